import type { Locator, Page } from '@playwright/test'

export class Modules {
  readonly page: Page
  readonly table: Locator
  readonly filter: Locator
  readonly watchFolder: Locator
  readonly watched: Locator
  readonly empty: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.page = page
    this.table = main.getByRole('grid')
    this.filter = main.getByRole('textbox', { name: 'Filter modules' })
    this.watched = main.getByRole('region', { name: 'Watched folders' })
    this.watchFolder = this.watched.getByRole('button', { name: 'Watch folder…' })
    this.empty = main.getByText('No modules yet')
  }

  row(name: string): Locator {
    return this.table.getByRole('row').filter({ has: this.page.getByRole('link', { name, exact: true }) })
  }

  async open(name: string): Promise<void> {
    await this.table.getByRole('link', { name, exact: true }).click()
  }
}

/** Asks whether a module goes, and whether its store goes with it. */
export class RemoveDialog {
  readonly dialog: Locator
  readonly purge: Locator
  readonly confirm: Locator
  readonly keep: Locator

  constructor(page: Page) {
    this.dialog = page.getByRole('alertdialog', { name: /^Remove / })
    this.purge = this.dialog.getByRole('checkbox', { name: /Also delete/ })
    this.confirm = this.dialog.getByRole('button', { name: /^Remove/ })
    this.keep = this.dialog.getByRole('button', { name: 'Keep' })
  }
}
