import type { Locator, Page } from '@playwright/test'

export class Chains {
  readonly page: Page
  readonly add: Locator
  readonly list: Locator
  readonly devnet: Locator
  readonly startDevnet: Locator
  readonly stopDevnet: Locator
  readonly head: Locator
  readonly newId: Locator
  readonly name: Locator
  readonly addEndpoint: Locator
  readonly save: Locator
  readonly problems: Locator
  readonly remove: Locator
  readonly removal: Locator

  constructor(page: Page) {
    const main = page.getByRole('main')
    this.page = page
    this.add = main.getByRole('link', { name: 'Add chain' }).first()
    this.list = main.getByRole('navigation', { name: 'Chains' })
    this.devnet = main.getByRole('region', { name: 'Local devnet' })
    this.startDevnet = this.devnet.getByRole('button', { name: 'Start devnet' })
    this.stopDevnet = this.devnet.getByRole('button', { name: 'Stop devnet' })
    this.head = main.getByRole('heading', { level: 1 }).last()
    this.newId = main.getByRole('textbox', { name: 'Chain id' })
    this.name = main.getByRole('textbox', { name: 'Name' })
    this.addEndpoint = main.getByRole('button', { name: 'Add endpoint' })
    this.save = main.getByRole('button', { name: /^(Save|Add) (?!endpoint)/ })
    this.problems = main.getByText(/fields? needs? a change|fields? need a change/)
    this.remove = main.getByRole('button', { name: 'Remove…' })
    this.removal = page.getByRole('alertdialog', { name: /^Remove / })
  }

  async open(name: string): Promise<void> {
    await this.list.getByRole('link', { name: new RegExp(name) }).click()
  }

  endpoint(number: number): Locator {
    return this.page.getByRole('textbox', { name: `Endpoint ${number}`, exact: true })
  }

  test(number: number): Locator {
    return this.page.getByRole('button', { name: `Test endpoint ${number}` })
  }

  /** An endpoint with all that is said of it. */
  entry(number: number): Locator {
    return this.page.getByRole('listitem').filter({ has: this.endpoint(number) })
  }
}
