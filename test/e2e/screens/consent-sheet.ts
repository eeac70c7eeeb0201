import type { Locator, Page } from '@playwright/test'

/** What a module asks for, before it first runs. */
export class ConsentSheet {
  readonly dialog: Locator
  readonly asks: Locator
  readonly facts: Locator
  readonly allow: Locator
  readonly installStopped: Locator
  readonly refuse: Locator

  constructor(page: Page) {
    this.dialog = page.getByRole('dialog', { name: /^(Allow|Replace) / })
    this.asks = this.dialog.getByRole('region', { name: 'What it asks for' })
    this.facts = this.dialog.getByRole('complementary', { name: 'What it is' })
    this.allow = this.dialog.getByRole('button', { name: /^(Allow \d+ of \d+ and start|Start)$/ })
    this.installStopped = this.dialog.getByRole('button', { name: 'Install stopped' })
    this.refuse = this.dialog.getByRole('button', { name: 'Don’t install' })
  }

  ask(title: string | RegExp): Locator {
    return this.asks.getByRole('switch', { name: title })
  }
}

/** Why a bundle was not loaded. */
export class LoadFailure {
  readonly dialog: Locator
  readonly alert: Locator
  readonly close: Locator

  constructor(page: Page) {
    this.dialog = page.getByRole('dialog', { name: 'Loading failed' })
    this.alert = this.dialog.getByRole('alert')
    this.close = this.dialog.getByRole('button', { name: 'Close' })
  }
}
