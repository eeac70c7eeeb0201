import type { Locator, Page } from '@playwright/test'

export class Palette {
  readonly dialog: Locator
  readonly field: Locator
  readonly options: Locator

  constructor(page: Page) {
    this.dialog = page.getByRole('dialog', { name: 'Command palette' })
    this.field = this.dialog.getByRole('combobox')
    this.options = this.dialog.getByRole('option')
  }
}
