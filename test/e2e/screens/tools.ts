import type { Locator, Page } from '@playwright/test'

/** The screen of tools. */
export class Tools {
  readonly page: Page
  readonly side: Locator
  readonly form: Locator
  readonly call: Locator
  readonly again: Locator
  readonly cancel: Locator
  readonly result: Locator
  readonly answer: Locator
  readonly requests: Locator
  readonly recent: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.page = page
    this.side = main.getByRole('region', { name: 'Tools', exact: true })
    this.form = main.getByRole('form', { name: /^Call / })
    this.call = this.form.getByRole('button', { name: /^Call…?$/ })
    this.again = this.form.getByRole('button', { name: 'Call again' })
    this.result = main.getByRole('region', { name: 'Result', exact: true })
    this.cancel = this.result.getByRole('button', { name: 'Cancel' })
    this.answer = this.result.getByRole('region', { name: 'Result JSON' })
    this.requests = main.getByRole('region', { name: 'Requests', exact: true })
    this.recent = main.getByRole('listbox', { name: 'Recent calls' })
  }

  tool(name: string): Locator {
    return this.side.getByRole('link', { name: new RegExp(`^${name} `) })
  }

  field(name: string): Locator {
    return this.form.getByLabel(new RegExp(`\\b${name}\\b`))
  }

  row(text: string | RegExp): Locator {
    return this.requests.getByRole('row', { name: text })
  }

  /** How the call that is shown stands. */
  get standing(): Locator {
    return this.result.getByRole('status')
  }

  /** Calls the probe with one step. */
  async step(step: object): Promise<void> {
    await this.field('step').fill(JSON.stringify(step))
    await this.call.click()
  }
}
