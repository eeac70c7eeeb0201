import type { Locator, Page } from '@playwright/test'

export class Overview {
  readonly title: Locator
  readonly now: Locator
  readonly firstRun: Locator
  readonly chains: Locator
  readonly health: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.title = main.getByRole('heading', { level: 1 })
    this.now = main.getByRole('region', { name: 'Now' })
    this.firstRun = main.getByRole('region', { name: 'Begin here' })
    this.chains = main.getByRole('region', { name: 'Chain health' })
    this.health = main.getByRole('region', { name: 'Module health' })
  }
}
