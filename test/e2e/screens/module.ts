import { expect } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'

export type ModuleTab = 'Activity' | 'Logs' | 'Resources' | 'Capabilities' | 'State' | 'Configuration'

export class ModuleScreen {
  readonly page: Page
  readonly title: Locator
  readonly lifecycle: Locator
  readonly run: Locator
  readonly start: Locator
  readonly stop: Locator
  readonly restart: Locator
  readonly reload: Locator
  readonly more: Locator
  readonly panel: Locator
  readonly log: Locator

  constructor(page: Page) {
    this.page = page
    const main = page.getByRole('main')
    this.title = main.getByRole('heading', { level: 1 })
    this.lifecycle = main.getByRole('list', { name: 'Lifecycle' })
    this.run = main.getByText(/^run \d/).first()
    this.start = main.getByRole('button', { name: 'Start', exact: true })
    this.stop = main.getByRole('button', { name: 'Stop', exact: true })
    this.restart = main.getByRole('button', { name: 'Restart', exact: true })
    this.reload = main.getByRole('button', { name: 'Reload', exact: true })
    this.more = main.getByRole('button', { name: 'More actions' })
    this.panel = main.getByRole('tabpanel')
    this.log = main.getByRole('log')
  }

  async show(tab: ModuleTab): Promise<void> {
    await this.page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click()
  }

  async isRunning(): Promise<void> {
    await expect(this.lifecycle.locator('[aria-current="step"]')).toHaveText(/^Running for/)
  }

  async isStopped(): Promise<void> {
    await expect(this.page.getByRole('main').getByText(/^Stopped for/)).toBeVisible()
  }
}

/** The store browser: the State tab of a module. */
export class StateTab {
  readonly keys: Locator
  readonly prefix: Locator
  readonly readAgain: Locator
  readonly value: Locator
  readonly totals: Locator

  constructor(page: Page) {
    const panel = page.getByRole('tabpanel')
    this.keys = panel.getByRole('grid', { name: 'Keys' })
    this.prefix = panel.getByRole('textbox', { name: 'Prefix' })
    this.readAgain = panel.getByRole('button', { name: 'Read again' })
    this.value = panel.getByRole('region', { name: 'Value', exact: true })
    this.totals = panel.getByText(/ of \d+ keys?, read at/)
  }

  /** The value of one key, as text. */
  async read(key: string): Promise<string> {
    await this.keys.getByRole('row', { name: new RegExp(`^${key} `) }).click()
    const text = this.value.getByLabel(`Value of ${key}`, { exact: true })
    const asText = this.value.getByRole('button', { name: 'Text' })
    await expect(text).toBeVisible()
    if (await asText.isVisible()) await asText.click()
    return (await text.textContent()) ?? ''
  }
}
