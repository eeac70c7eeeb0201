import type { Locator, Page } from '@playwright/test'

export type ScreenName = 'Overview' | 'Modules' | 'Chains' | 'Flows' | 'Tools' | 'Logs' | 'Settings'

/** What stands around every screen: title bar, rail, status bar, toasts. */
export class Frame {
  readonly page: Page
  readonly rail: Locator
  readonly status: Locator
  readonly toasts: Locator
  readonly paletteTrigger: Locator
  readonly themeSwitch: Locator
  readonly addModule: Locator

  constructor(page: Page) {
    this.page = page
    this.rail = page.getByRole('navigation', { name: 'Main' })
    this.status = page.getByRole('contentinfo').last()
    this.toasts = page.getByRole('status', { name: 'What was just done' })
    this.paletteTrigger = page.getByRole('button', { name: 'Search or run a command' })
    this.themeSwitch = page.getByRole('button', { name: /^Switch to the (light|dark) theme$/ })
    this.addModule = page.getByRole('button', { name: 'Add module' }).first()
  }

  async open(screen: ScreenName): Promise<void> {
    await this.rail.getByRole('link', { name: screen }).click()
  }

  async addFrom(kind: 'folder' | 'file'): Promise<void> {
    await this.addModule.click()
    await this.page.getByRole('menuitem', { name: `From a ${kind}` }).click()
  }
}
