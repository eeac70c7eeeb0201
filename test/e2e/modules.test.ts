/** What an operator does with modules: controls, removal, bad bundles, watched folders, logs and stores. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { ConsentSheet, LoadFailure } from './screens/consent-sheet.ts'
import { Frame } from './screens/frame.ts'
import { Logs } from './screens/logs.ts'
import { ModuleScreen, StateTab } from './screens/module.ts'
import { Modules, RemoveDialog } from './screens/modules.ts'
import { Overview } from './screens/overview.ts'
import { SettingsScreen } from './screens/settings.ts'
import { writeBundle } from './support/bundles.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'

const noDevnet = { devnet: { autoStart: false } }

test('stop, start, restart, remove and keep, remove and purge', async ({ start, folder, node }) => {
  const bundle = await writeBundle(folder, { name: 'counter', fixture: 'counter', chainId: ownChainId })
  const paddock = await start({
    settings: { ...noDevnet, chains: [ownChain(node.ws)] },
    examples: [bundle],
  })
  const { page } = paddock
  const frame = new Frame(page)
  const module = new ModuleScreen(page)
  const modules = new Modules(page)
  const state = new StateTab(page)
  const consent = new ConsentSheet(page)
  const removal = new RemoveDialog(page)
  const open = async () => {
    await frame.open('Modules')
    await modules.open('counter')
  }
  const remove = async () => {
    await module.more.click()
    await page.getByRole('menuitem', { name: 'Remove…' }).click()
  }
  /** How many blocks the store counts, read again until it is so. */
  const counts = async (blocks: number) => {
    await module.show('State')
    await expect(async () => {
      await state.readAgain.click()
      expect(await state.read('count/0')).toBe(String(blocks))
    }).toPass()
  }

  await open()
  await module.isRunning()
  await node.mine(2)
  await counts(2)

  await module.stop.click()
  await module.isStopped()
  expect((await paddock.snapshot()).modules[0]!.pid).toBeNull()
  await module.start.click()
  await module.isRunning()
  await module.restart.click()
  await expect(frame.toasts).toContainText('counter restarted')
  await module.isRunning()
  await node.mine(1)
  await counts(3)

  await test.step('removed with its store kept, it continues where it was', async () => {
    await remove()
    await removal.keep.click()
    await module.isRunning()
    await remove()
    await removal.confirm.click()
    await expect(page.getByText('counter is not loaded')).toBeVisible()
    await paddock.drop(bundle)
    await consent.allow.click()
    await open()
    await module.isRunning()
    await counts(3)
  })

  await test.step('removed with its store, it begins anew', async () => {
    await remove()
    await removal.purge.check()
    await expect(removal.dialog).toContainText('gone for good')
    await removal.confirm.click()
    await expect(page.getByText('counter is not loaded')).toBeVisible()
    await paddock.drop(bundle)
    await consent.allow.click()
    await open()
    await module.isRunning()
    await node.mine(1)
    await counts(1)
  })
})

test('a bundle that cannot be used says why, and nothing else is disturbed', async ({ start, folder }) => {
  const fixtures = await buildFixtures()
  const paddock = await start({ settings: noDevnet })
  const failure = new LoadFailure(paddock.page)
  const truncated = path.join(folder, 'truncated.wasm')
  await writeFile(truncated, new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 9, 99]))
  const text = path.join(folder, 'notes.wasm')
  await writeFile(text, 'not wasm at all')
  for (const [file, code, detail] of [
    [text, 'component.not_wasm', ''],
    [fixtures['core']!, 'component.core_module', 'jco new'],
    [truncated, 'component.truncated', ''],
    [fixtures['wants-unknown']!, 'component.unknown_imports', 'acme:rocket/launch'],
    [fixtures['no-contract']!, 'component.invalid_world', ''],
  ] as const) {
    await paddock.drop(file)
    await expect(failure.alert).toContainText(code)
    await expect(failure.alert).toContainText('What you can do.')
    await expect(failure.alert).toContainText(detail)
    await failure.close.click()
    await expect(failure.dialog).toBeHidden()
  }
  expect((await paddock.snapshot()).modules).toEqual([])
})

test('refusing what a module asks for leaves nothing behind', async ({ start, folder }) => {
  const bundle = await writeBundle(folder, { name: 'refused', fixture: 'counter' })
  const paddock = await start({ settings: noDevnet })
  const consent = new ConsentSheet(paddock.page)
  await paddock.drop(bundle)
  await expect(consent.refuse).toBeFocused()
  await consent.ask(/Keep up to/).uncheck()
  await expect(consent.allow).toBeDisabled()
  await expect(consent.dialog).toContainText('will not start without it')
  await consent.refuse.click()
  await expect(consent.dialog).toBeHidden()
  expect((await paddock.snapshot()).modules).toEqual([])
  await paddock.drop(bundle)
  await consent.installStopped.click()
  await new Frame(paddock.page).open('Modules')
  await expect(new Modules(paddock.page).row('refused')).toContainText('Stopped')
})

test('a watched folder: what is found there is offered, what changes is reloaded', async ({
  start,
  folder,
}) => {
  const watched = path.join(folder, 'work')
  await writeBundle(watched, { name: 'in-work', fixture: 'counter' })
  const paddock = await start({ settings: noDevnet })
  const { page } = paddock
  const frame = new Frame(page)
  const overview = new Overview(page)
  const consent = new ConsentSheet(page)
  await frame.open('Settings')
  await paddock.answerOpenDialog(watched)
  await page.getByRole('button', { name: 'Watch folder…' }).click()
  await expect(new SettingsScreen(page).watched).toContainText('work')

  await frame.open('Overview')
  await expect(overview.now).toContainText('in-work was found in a watched folder')
  await overview.now.getByRole('button', { name: 'Review…' }).click()
  await consent.allow.click()
  await expect(overview.title).toHaveText('Everything runs')

  await writeBundle(watched, { name: 'in-work', fixture: 'counter', version: '2.0.0' })
  await frame.open('Modules')
  await expect(new Modules(page).row('in-work')).toContainText('2.0.0')
  await expect(new Modules(page).row('in-work')).toContainText('Running')
})

test('the log: filters, a search without hits, holding', async ({ start, folder, node }) => {
  const bundle = await writeBundle(folder, {
    name: 'flood',
    fixture: 'log-flood',
    chainId: ownChainId,
    capabilities: ['logging'],
    config: { lines: '30' },
  })
  const { page } = await start({
    settings: { ...noDevnet, chains: [ownChain(node.ws)] },
    examples: [bundle],
  })
  const logs = new Logs(page)
  await new Frame(page).open('Logs')
  await expect(logs.lines).toContainText('flood')
  await node.mine(1)
  await expect(logs.lines).toContainText('flood 29')
  await logs.module.selectOption('flood')
  await logs.search.fill('flood 17')
  await expect(logs.lines.locator('mark').first()).toHaveText('flood 17')
  await expect(logs.lines).not.toContainText('flood 29')
  await logs.levels.getByRole('button', { name: 'Error' }).click()
  await expect(logs.nothing).toBeVisible()
  await logs.clear.click()
  await expect(logs.search).toHaveValue('')
  await expect(logs.lines).toContainText('flood 29')
  await logs.hold.click()
  await node.mine(1)
  await expect(page.getByRole('main')).toContainText(/Held\. \d+ new lines/)
  await logs.hold.click()
  await expect(page.getByRole('main')).toContainText('Following')
})
