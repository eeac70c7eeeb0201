/** Grants, accounts, signatures and the audit trail in the console, with the real modules (spec nexum-host 6.6, 8.11). */
import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AccountsPage, Approvals, AuditPage, CapabilitiesTab, derived } from './screens/guards.ts'
import { Frame } from './screens/frame.ts'
import { ModuleScreen } from './screens/module.ts'
import { OrderBook } from '../support/order-book.ts'
import { LocalPrice } from './support/local-price.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'
import { look } from './support/look.ts'
import { root } from './support/paddock.ts'

const passphrase = 'otter lamp river canvas'
const importedKey = `0x${'7b'.repeat(32)}`

/** An example module on the test's own chain, with its configuration changed. */
async function exampleOn(
  parent: string,
  name: string,
  change: (manifest: string) => string = (text) => text,
) {
  const folder = path.join(parent, name)
  await cp(path.join(root, 'modules', name), folder, { recursive: true })
  const file = path.join(folder, 'paddock.toml')
  const manifest = await readFile(file, 'utf8')
  await writeFile(file, change(manifest.replace(/chain_id = \d+/g, `chain_id = ${ownChainId}`)))
  return folder
}

test('an account is made, granted and asked for; what is refused, signed and revoked is told', async ({
  start,
  folder,
  node,
}) => {
  test.setTimeout(420_000)
  const book = new OrderBook(ownChainId)
  const price = await LocalPrice.start()
  try {
    const chain = { ...ownChain(node.ws), orderbookUrl: await book.start() }
    const paddock = await start({
      settings: { theme: 'dark', devnet: { autoStart: false }, chains: [chain] },
      examples: [
        await exampleOn(folder, 'order-keeper'),
        await exampleOn(folder, 'rule-query'),
        await exampleOn(folder, 'price-alert', (text) =>
          text.replace('http://127.0.0.1:8080/price', price.url),
        ),
      ],
    })
    const { page } = paddock
    const { keyboard } = page
    const frame = new Frame(page)
    const module = new ModuleScreen(page)
    const accounts = new AccountsPage(page)
    const tab = new CapabilitiesTab(page)
    const approvals = new Approvals(page)
    const running = async (name: string) => {
      const { modules } = await paddock.snapshot()
      return modules.find((each) => each.name === name)?.status.state
    }
    for (const name of ['order-keeper', 'rule-query', 'price-alert']) {
      await expect.poll(() => running(name), { timeout: 60_000 }).toBe('running')
    }
    const open = async (name: string, part: string) => {
      await page.evaluate((hash) => (window.location.hash = hash), `#/modules/${name}/${part}`)
      await expect(module.title).toHaveText(name)
    }
    let address = ''

    await test.step('an account is created, imported and unlocked by keys and forms', async () => {
      await keyboard.press('g')
      await keyboard.press('k')
      await expect(page.getByRole('heading', { name: 'No account yet' })).toBeVisible()
      await look(page, 'accounts-empty')
      await accounts.create(passphrase)
      await expect(accounts.rows).toHaveCount(1)
      await accounts.import(importedKey, passphrase)
      await expect(accounts.rows).toHaveCount(2)
      const { accounts: list } = (await paddock.call('identity', 'list')) as {
        accounts: { address: string; locked: boolean }[]
      }
      address = list[0]!.address
      expect(list.map(({ locked }) => locked)).toEqual([true, true])
      await accounts.unlock(address, 'wrong passphrase')
      await expect(accounts.sheet).toContainText('identity.wrong_passphrase', derived)
      await accounts.sheet.getByLabel('Passphrase').fill(passphrase)
      await accounts.sheet.getByRole('button', { name: 'Unlock' }).click()
      await expect(accounts.sheet).toBeHidden(derived)
      await expect(page.getByRole('button', { name: `Lock ${address}`, exact: true })).toBeVisible()
      const html = await page.evaluate(() => document.documentElement.outerHTML)
      for (const secret of [passphrase, importedKey, 'wrong passphrase']) expect(html).not.toContain(secret)
    })

    await test.step('it is granted while the module runs, after a question', async () => {
      await open('order-keeper', 'capabilities')
      await tab.grant(address).click()
      await expect(tab.question).toContainText('Could move funds.')
      await expect(tab.question.getByRole('button', { name: 'Keep refused' })).toBeFocused()
      await keyboard.press('Escape')
      await expect(tab.grant(address)).not.toBeChecked()
      await tab.allow(address)
    })

    await test.step('a signature is asked for from any screen and refused', async () => {
      await frame.open('Logs')
      await node.mine(1)
      await expect(approvals.dialog).toHaveAccessibleName('Let order-keeper sign typed data?')
      await expect(approvals.refuse).toBeFocused()
      await expect(
        approvals.dialog.getByRole('row', { name: /sellAmount uint256 1000000000000000000/ }),
      ).toBeVisible()
      await expect(approvals.dialog).toContainText(address)
      await approvals.isReady()
      await look(page, 'approval')
      await keyboard.press('Enter')
      await expect(approvals.dialog).toBeHidden()
      await expect(frame.toasts).toContainText('order-keeper got no signature')
      expect(book.orders.size).toBe(0)
    })

    await test.step('what is put aside waits in the bar; a grant taken back meanwhile leaves no signature', async () => {
      await node.mine(1)
      await expect(approvals.dialog).toBeVisible()
      await keyboard.press('Escape')
      await expect(approvals.bar).toContainText('order-keeper asks for a signature')
      await open('order-keeper', 'capabilities')
      await tab.grant(address).click()
      await expect(tab.grant(address)).not.toBeChecked()
      await approvals.review.click()
      await approvals.isReady()
      await approvals.sign.click()
      await expect(approvals.dialog).toBeHidden()
      await open('order-keeper', 'logs')
      await expect(module.log).toContainText(/no order: .*denied/)
      expect(book.orders.size).toBe(0)
    })

    await test.step('it is granted again, and signs once the operator agrees', async () => {
      await open('order-keeper', 'capabilities')
      await tab.allow(address)
      await node.mine(1)
      await expect(approvals.dialog).toBeVisible()
      await approvals.isReady()
      await approvals.sign.click()
      await expect.poll(() => book.orders.size).toBe(1)
      await look(page, 'module-capabilities')
      await page.setViewportSize({ width: 1024, height: 700 })
      await look(page, 'module-capabilities-1024')
      await page.setViewportSize({ width: 1440, height: 900 })
    })

    await test.step('a private address is refused until it is permitted', async () => {
      await open('price-alert', 'capabilities')
      await expect(tab.denied).toContainText('http')
      await look(page, 'module-denied')
      await tab.panel.getByRole('button', { name: 'Permit a private address…' }).click()
      await page.getByLabel('Private address or range').fill('127.0.0.1')
      await keyboard.press('Enter')
      await tab.question.getByRole('button', { name: 'Allow' }).click()
      await expect(tab.panel.getByRole('switch', { name: 'Permit 127.0.0.1' })).toBeChecked()
      await node.mine(1)
      await open('price-alert', 'logs')
      await expect(module.log).toContainText(/http: 127.0.0.1 answered 200/)
    })

    await test.step('accounts say who uses them and when they signed', async () => {
      await keyboard.press('g')
      await keyboard.press('k')
      const row = accounts.rows.filter({
        has: page.getByRole('button', { name: `Lock ${address}`, exact: true }),
      })
      await expect(row).toContainText('order-keeper asks you')
      await expect(row).toContainText(/ago|now/)
      await look(page, 'accounts')
      await page.setViewportSize({ width: 1280, height: 800 })
      await look(page, 'accounts-1280')
      await page.setViewportSize({ width: 1440, height: 900 })
    })

    await test.step('the audit trail tells all of it, filtered by module and kind', async () => {
      await keyboard.press('g')
      await keyboard.press('u')
      const audit = new AuditPage(page)
      for (const text of ['Keystore', 'Granted', 'Taken back', 'Signature', 'Your answer', 'Denied call']) {
        await expect(audit.entries.filter({ hasText: text }).first()).toBeVisible()
      }
      await audit.entries.filter({ hasText: 'Signature' }).first().getByRole('button').click()
      await expect(audit.entries.filter({ hasText: 'Digest' })).toContainText(address)
      await look(page, 'audit')
      await audit.module.selectOption('price-alert')
      await page.getByRole('button', { name: 'Denied call', exact: true }).click()
      await expect(audit.entries.filter({ hasText: 'order-keeper' })).toHaveCount(0)
      await expect(audit.entries.first()).toContainText('price-alert')
      expect(page.url()).toContain('module=price-alert')
    })

    await test.step('a query module is asked with Ctrl Enter', async () => {
      await open('rule-query', 'query')
      await page
        .getByLabel('Input of the query')
        .fill('{"to":"0x000000000000000000000000000000000000dEaD","value":"1"}')
      await keyboard.press('Control+Enter')
      const answer = page.getByLabel('Answer of rule-query')
      await expect(answer).toContainText('"allowed": false')
      await page.getByLabel('Input of the query').fill('{"to":"nobody","value":"1"}')
      await keyboard.press('Control+Enter')
      await expect(page.getByText('The module answered with an error of its own')).toBeVisible()
      await expect(page.getByRole('tabpanel')).toContainText('to is not 0x and 40 hex digits')
      await page
        .getByRole('button', { name: /gets|"value":"1"/ })
        .last()
        .click()
      await look(page, 'module-query')
    })

    await test.step('engine.toml is exported, and an import shows what it changes first', async () => {
      await page.evaluate(() => (window.location.hash = '#/settings/engine'))
      await expect(page.getByLabel('engine.toml', { exact: true })).toContainText('rpc_url')
      const toml = `[limits]\nevent_deadline_secs = 60\n`
      await page.getByLabel('engine.toml to import').setInputFiles({
        name: 'engine.toml',
        mimeType: 'application/toml',
        buffer: Buffer.from(toml),
      })
      const plan = page.getByRole('region', { name: 'What engine.toml changes' })
      await expect(plan.getByRole('row', { name: /limits.event_deadline_secs/ })).toContainText('60')
      await look(page, 'engine-file')
      await plan.getByRole('button', { name: /^Apply/ }).click()
      await expect(page.getByLabel('engine.toml', { exact: true })).toContainText('event_deadline_secs = 60')
    })

    await test.step('chains tell how each endpoint does', async () => {
      await frame.open('Chains')
      await expect(page.getByRole('region', { name: 'Health of each endpoint' })).toContainText('Serving')
      await look(page, 'chain-health')
    })
  } finally {
    await book.stop()
    await price.stop()
  }
})
