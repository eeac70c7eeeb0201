/** Tools as an operator works with them: real components, a real server, real secrets (issue 6, "Console"). */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { LocalWeb } from '../support/local-web.ts'
import { ConsentSheet } from './screens/consent-sheet.ts'
import { ModuleScreen } from './screens/module.ts'
import { Tools } from './screens/tools.ts'
import { expect, test } from './support/fixtures.ts'
import { look } from './support/look.ts'
import { httpStatusBundle, probeBundle } from './support/tool-bundles.ts'
import { resize } from './support/resize.ts'

const canary = 'canary-2b9e71c04d5f8a36'
const secret = 'probe_token'

async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    if ((await readFile(file)).includes(text)) found.push(path.relative(folder, file))
  }
  return found
}

test('a tool is installed, called, refused, given a secret, cancelled and served', async ({
  start,
  folder,
}) => {
  test.setTimeout(300_000)
  const web = await new LocalWeb().start()
  web.handler = ({ headers, url }, response) => {
    response.setHeader('content-type', 'application/json')
    response.statusCode = url === '/missing' ? 404 : 200
    response.end(JSON.stringify({ path: url, saw: headers.authorization ?? null }))
  }
  try {
    const stateDir = path.join(folder, 'state')
    // Not every machine that tests has a keychain.
    const passphraseFile = path.join(folder, 'passphrase')
    await writeFile(passphraseFile, 'otter lamp river canvas', { mode: 0o600 })
    const paddock = await start({
      stateDir,
      settings: { theme: 'dark', devnet: { autoStart: false } },
      environment: { PADDOCK_SECRETS_PASSPHRASE_FILE: passphraseFile },
    })
    const { page } = paddock
    const tools = new Tools(page)
    const origin = `http://127.0.0.1:${web.port}`

    await test.step('consent, and its screen by keys', async () => {
      await paddock.drop(await probeBundle(folder, web.port, secret))
      const consent = new ConsentSheet(page)
      await expect(consent.dialog).toContainText('Send requests to 127.0.0.1')
      await expect(consent.dialog).toContainText(`Use your ${secret}`)
      await expect(consent.asks.getByRole('switch').first()).toBeVisible()
      for (const ask of await consent.asks.getByRole('switch').all()) await ask.setChecked(true)
      await consent.allow.click()
      await expect(consent.dialog).toBeHidden()
      await page.keyboard.press('g')
      await page.keyboard.press('t')
      await expect(tools.tool('probe')).toContainText('lacks a secret')
      await expect(tools.result).toContainText('Nothing called yet')
      await look(page, 'tools-first')
    })

    await test.step('a request to a host that is on no list is refused, and its step is told', async () => {
      await tools.step({ do: 'http', url: 'https://example.com/x' })
      await expect(tools.standing).toHaveText('success')
      await expect(tools.answer).toContainText('policy_denied')
      await expect(tools.row(/on no allowlist/)).toContainText('refused')
      expect(web.received).toHaveLength(0)
    })

    await test.step('what is no JSON is said at once and not sent', async () => {
      await tools.field('step').fill('{ "do":')
      await expect(tools.form).toContainText('Not JSON')
      await tools.field('step').press('Control+Enter')
      await expect(tools.call).toHaveAttribute('aria-disabled', 'true')
      await expect(tools.recent.getByRole('option')).toHaveCount(1)
    })

    await test.step('a missing secret is named; it is set there and granted', async () => {
      await tools.step({ do: 'http', url: `${origin}/whoami` })
      await expect(tools.row(/secret missing/)).toContainText('credential_unavailable')
      await look(page, 'tools-refused')
      await tools.requests.getByRole('button', { name: `Set ${secret}…` }).click()
      const dialog = page.getByRole('dialog', { name: `Set ${secret}` })
      await expect(dialog.getByLabel('Value')).toBeFocused()
      await dialog.getByLabel('Value').fill(canary)
      await look(page, 'tools-secret-set')
      await dialog.getByRole('button', { name: 'Keep secret' }).click()
      await expect(dialog).toBeHidden()
      await tools.side.getByRole('link', { name: 'Secrets' }).click()
      const grant = page.getByRole('switch', { name: /^127\.0\.0\.1/ })
      await expect(grant).not.toBeChecked()
      await grant.click()
      await expect(grant).toBeChecked()
      await look(page, 'tools-secrets')
    })

    await test.step('a private address wants a grant of its own; then the server sees the secret, nobody else', async () => {
      await tools.tool('probe').click()
      await tools.step({ do: 'http', url: `${origin}/whoami` })
      await expect(tools.row(/private address/)).toContainText('private_address')
      await tools.requests.getByRole('link', { name: 'What it may reach…' }).click()
      await expect(page).toHaveURL(/#\/modules\/probe\/capabilities/)
      await new ModuleScreen(page).isRunning()
      await paddock.call('capabilities', 'grant', {
        name: 'probe',
        grant: { kind: 'destination', range: '127.0.0.1' },
      })
      await page.keyboard.press('g')
      await page.keyboard.press('t')
      await tools.step({ do: 'http', url: `${origin}/whoami` })
      await expect(tools.row(/allowed/)).toContainText(`${secret} added, 1 match redacted`)
      expect(web.received.at(-1)?.headers.authorization).toBe(`Bearer ${canary}`)
      await expect(tools.answer).toContainText('[REDACTED]')
      await tools.again.click()
      await expect.poll(() => web.received.length).toBe(2)
      expect(await page.content()).not.toContain(canary)
      expect(await page.evaluate(() => JSON.stringify(Object.entries(localStorage)))).not.toContain(canary)
    })

    await test.step('an operation that asks says what it may do, and is called once', async () => {
      await page.getByRole('combobox', { name: 'Operation' }).selectOption('probe.write')
      await tools.step({ do: 'answer', value: { written: true } })
      const dialog = page.getByRole('alertdialog', { name: 'Call probe.write once?' })
      await expect(dialog).toContainText('cannot be taken back')
      await expect(dialog.getByRole('button', { name: 'Don’t call' })).toBeFocused()
      await look(page, 'tools-ask')
      await page.keyboard.press('Escape')
      await tools.call.click()
      await dialog.getByRole('button', { name: 'Call once' }).click()
      await expect(tools.answer).toContainText('"written": true')
      await page.getByRole('combobox', { name: 'Operation' }).selectOption('probe.try')
    })

    await test.step('a call that spins is cancelled', async () => {
      await tools.step({ do: 'spin' })
      await expect(tools.standing).toHaveText('running')
      await tools.cancel.click()
      await expect(tools.standing).toHaveText('cancelled')
      await expect(tools.result).toContainText('what it used is settled')
    })

    await test.step('the server is switched on and answers those with its token', async () => {
      await tools.side.getByRole('link', { name: /^Tool server/ }).click()
      await page.getByRole('switch', { name: 'Serve tools on this machine' }).click()
      await expect(page.getByText('listens', { exact: true })).toBeVisible()
      const { url, tokenFile } = (await paddock.call('tools', 'server')) as { url: string; tokenFile: string }
      await expect(page.getByText(`${url}/mcp`, { exact: true })).toBeVisible()
      await look(page, 'tools-server')
      expect((await fetch(`${url}/v1/tools`)).status).toBe(401)
      const token = (await readFile(tokenFile, 'utf8')).trim()
      expect(await page.content()).not.toContain(token)
      const answer = await fetch(`${url}/v1/call/probe.try`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ params: { step: { do: 'answer', value: 'over HTTP' } } }),
      })
      expect(answer.status).toBe(200)
      await tools.tool('probe').click()
      await expect(tools.recent.getByRole('option').first()).toHaveAttribute('title', /asked by HTTP/)
      await tools.side.getByRole('link', { name: /^Tool server/ }).click()
      await page.getByRole('switch', { name: 'Serve tools on this machine' }).click()
      await expect(page.getByText('off', { exact: true }).first()).toBeVisible()
    })

    await test.step('both themes and the smaller windows', async () => {
      await paddock.drop(await httpStatusBundle(folder, web.port))
      const consent = new ConsentSheet(page)
      await expect(consent.asks.getByRole('switch').first()).toBeVisible()
      for (const ask of await consent.asks.getByRole('switch').all()) await ask.setChecked(true)
      await consent.allow.click()
      await expect(consent.dialog).toBeHidden()
      await paddock.call('capabilities', 'grant', {
        name: 'http-status',
        grant: { kind: 'destination', range: '127.0.0.1' },
      })
      await page.keyboard.press('g')
      await page.keyboard.press('t')
      await tools.tool('http-status').click()
      const addresses = [
        `${origin}/health`,
        `${origin}/missing`,
        'http://127.0.0.1:1/',
        'https://example.com/',
      ]
      await tools.field('urls').fill(addresses.join('\n'))
      await tools.field('timeoutMs').fill('5')
      await expect(tools.form).toContainText('At least 100, the schema says.')
      await tools.field('timeoutMs').fill('800')
      await tools.call.click()
      await expect(tools.answer).toContainText('"status": 404')
      await expect(tools.requests.getByRole('row')).toHaveCount(5)
      await look(page, 'tools')
      for (const [width, height] of [
        [1280, 800],
        [1024, 700],
        [720, 480],
      ] as const) {
        await resize(paddock, width, height)
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow).toBeLessThanOrEqual(0)
        await look(page, `tools-${width}`)
      }
    })

    await test.step('a secret is removed with what that means, and its value was in no file', async () => {
      await resize(paddock, 1280, 800)
      await page.keyboard.press('Control+k')
      await page.keyboard.type(`>Remove secret ${secret}`)
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('alertdialog', { name: `Remove ${secret}?` })
      await expect(dialog).toContainText('requests to 127.0.0.1 are refused')
      await dialog.getByRole('button', { name: `Remove ${secret}` }).click()
      await expect(tools.side).toContainText('missing for probe')
    })

    await paddock.quit()
    expect(await filesWith(stateDir, canary)).toEqual([])
  } finally {
    await web.stop()
  }
})
