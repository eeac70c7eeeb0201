import type { Locator, Page } from '@playwright/test'

export class SettingsScreen {
  readonly theme: Locator
  readonly density: Locator
  readonly watched: Locator
  readonly about: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.theme = main.getByRole('group', { name: 'Theme' })
    this.density = main.getByRole('group', { name: 'Density' })
    this.watched = main.getByRole('region', { name: 'Watched folders' })
    this.about = main.getByRole('region', { name: 'About' })
  }
}
