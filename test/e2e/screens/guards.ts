import { expect } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'

/** Deriving a key takes half a second of a processor, which a busy machine may not have. */
export const derived = { timeout: 90_000 }

/** The Capabilities tab of a module. */
export class CapabilitiesTab {
  readonly page: Page
  readonly panel: Locator
  readonly denied: Locator
  readonly question: Locator

  constructor(page: Page) {
    this.page = page
    this.panel = page.getByRole('tabpanel')
    this.denied = this.panel.getByRole('region', { name: 'Denied calls' })
    this.question = page.getByRole('alertdialog')
  }

  grant(name: string): Locator {
    return this.panel.getByRole('switch', { name: `Grant ${name}`, exact: true })
  }

  /** Grants something risky: the question is answered with Allow. */
  async allow(name: string): Promise<void> {
    await this.grant(name).click()
    await this.question.getByRole('button', { name: 'Allow' }).click()
    await expect(this.grant(name)).toBeChecked()
  }
}

/** Settings, Accounts. */
export class AccountsPage {
  readonly page: Page
  readonly sheet: Locator
  readonly rows: Locator

  constructor(page: Page) {
    this.page = page
    this.sheet = page.getByRole('dialog')
    this.rows = page.getByRole('region', { name: 'Account table' }).locator('tbody tr')
  }

  async create(passphrase: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Create account…' }).first().click()
    await this.sheet.getByLabel('Passphrase', { exact: true }).fill(passphrase)
    await this.sheet.getByLabel('Passphrase again').fill(passphrase)
    await this.sheet.getByRole('button', { name: 'Create account' }).click()
    await expect(this.sheet).toBeHidden(derived)
  }

  async import(secret: string, passphrase: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Import…' }).click()
    await this.sheet.getByLabel('Private key', { exact: true }).fill(secret)
    await this.sheet.getByLabel('Passphrase', { exact: true }).fill(passphrase)
    await this.sheet.getByLabel('Passphrase again').fill(passphrase)
    await this.sheet.getByRole('button', { name: 'Import account' }).click()
    await expect(this.sheet).toBeHidden(derived)
  }

  async unlock(address: string, passphrase: string): Promise<void> {
    await this.page.getByRole('button', { name: `Unlock ${address}` }).click()
    await this.sheet.getByLabel('Passphrase').fill(passphrase)
    await this.sheet.getByRole('button', { name: 'Unlock' }).click()
  }
}

/** A signature that waits, in the dialog or in the bar. */
export class Approvals {
  readonly dialog: Locator
  readonly sign: Locator
  readonly refuse: Locator
  readonly later: Locator
  readonly bar: Locator
  readonly review: Locator

  constructor(page: Page) {
    this.dialog = page.getByRole('alertdialog', { name: /^Let .* sign / })
    this.sign = this.dialog.getByRole('button', { name: 'Sign' })
    this.refuse = this.dialog.getByRole('button', { name: 'Refuse' })
    this.later = this.dialog.getByRole('button', { name: /^Decide later/ })
    this.bar = page.getByRole('status', { name: 'Signatures that wait' })
    this.review = this.bar.getByRole('button', { name: 'Review' })
  }

  /** Past the moment in which keys answer nothing. */
  async isReady(): Promise<void> {
    await expect(this.sign).toHaveAttribute('aria-disabled', 'false')
  }
}

/** Settings, Audit trail. */
export class AuditPage {
  readonly entries: Locator
  readonly module: Locator

  constructor(page: Page) {
    this.entries = page.getByRole('list', { name: /^Audit entries/ }).getByRole('listitem')
    this.module = page.getByRole('combobox', { name: 'Module' })
  }
}
