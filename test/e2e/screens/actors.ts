import type { Locator, Page } from '@playwright/test'

/** The screen of the actors of one module. */
export class Actors {
  readonly page: Page
  readonly side: Locator
  readonly find: Locator
  readonly state: Locator
  readonly toggle: Locator
  readonly request: Locator
  readonly more: Locator
  readonly sql: Locator
  readonly run: Locator
  readonly result: Locator
  readonly grid: Locator
  readonly ran: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.page = page
    this.side = main.getByRole('region', { name: 'Actors', exact: true })
    this.find = this.side.getByRole('searchbox', { name: 'Find an actor' })
    this.state = main.locator('.screen-head .state')
    this.toggle = main.getByRole('button', { name: /^(Wake|Put to sleep)$/ })
    this.request = main.getByRole('button', { name: 'Send request…' })
    this.more = main.getByRole('button', { name: 'More actions' })
    this.sql = main.getByRole('textbox', { name: 'SQL' })
    this.run = main.getByRole('button', { name: /^Run/ })
    this.result = main.getByRole('region', { name: 'Rows', exact: true })
    this.grid = this.result.getByRole('grid')
    this.ran = main.getByRole('region', { name: 'What the actor ran' })
  }

  actor(key: string): Locator {
    return this.side.getByRole('link', { name: new RegExp(`^${key} (awake|asleep|starting|damaged)`) })
  }

  table(name: string): Locator {
    return this.side.getByRole('link', { name: new RegExp(`^${name} `) })
  }

  async choose(item: string): Promise<void> {
    await this.more.click()
    await this.page.getByRole('menuitem', { name: item }).click()
  }
}

/** A request being written, and its answer. */
export class RequestDialog {
  readonly dialog: Locator
  readonly key: Locator
  readonly method: Locator
  readonly payload: Locator
  readonly send: Locator
  readonly answer: Locator
  readonly close: Locator

  constructor(page: Page) {
    this.dialog = page.getByRole('dialog', { name: /^Send a request/ })
    this.key = this.dialog.getByRole('textbox', { name: 'Actor key' })
    this.method = this.dialog.getByRole('combobox', { name: 'Method' })
    this.payload = this.dialog.getByRole('textbox', { name: 'Payload, JSON' })
    this.send = this.dialog.getByRole('button', { name: /^Send/ })
    this.answer = this.dialog.getByRole('region', { name: 'Answer', exact: true })
    this.close = this.dialog.getByRole('button', { name: 'Close' })
  }

  /** Sends and waits for the answer. */
  async ask(method: string, payload: unknown, expected: string | RegExp): Promise<void> {
    await this.method.fill(method)
    await this.payload.fill(payload === undefined ? '' : JSON.stringify(payload))
    await this.send.click()
    await this.answer.getByText(expected).first().waitFor()
  }
}
