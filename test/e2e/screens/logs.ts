import type { Locator, Page } from '@playwright/test'

export class Logs {
  readonly lines: Locator
  readonly search: Locator
  readonly levels: Locator
  readonly module: Locator
  readonly hold: Locator
  readonly nothing: Locator
  readonly clear: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.lines = main.getByRole('log')
    this.search = main.getByRole('textbox', { name: 'Search the log' })
    this.levels = main.getByRole('group', { name: 'Level and above' })
    this.module = main.getByRole('combobox', { name: 'Module' })
    this.hold = main.getByRole('button', { name: /^(Hold|Follow)/ })
    this.nothing = main.getByText('No line matches')
    this.clear = main.getByRole('button', { name: 'Clear filter' })
  }
}
