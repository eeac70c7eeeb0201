/** A first run on a fresh machine: a window, a live chain, a module from the open dialog, quitting and coming back. */
import { ConsentSheet } from './screens/consent-sheet.ts'
import { Frame } from './screens/frame.ts'
import { Logs } from './screens/logs.ts'
import { Overview } from './screens/overview.ts'
import { ModuleScreen } from './screens/module.ts'
import { Modules } from './screens/modules.ts'
import { examples, writeBundle } from './support/bundles.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'
import { isAlive } from './support/paddock.ts'

test('a first run shows a window, a live chain and what to do next', async ({ start }) => {
  const paddock = await start()
  const { page } = paddock
  const frame = new Frame(page)
  const overview = new Overview(page)
  const consent = new ConsentSheet(page)
  await expect(overview.title).toHaveText('Nothing is loaded yet')
  await expect(overview.now).toContainText('No trouble.')
  await expect(overview.firstRun).toContainText('the local devnet runs')

  await test.step('the open dialog, cancelled, changes nothing', async () => {
    await paddock.answerOpenDialog(null, examples.blockLogger)
    await frame.addFrom('folder')
    await expect(consent.dialog).toBeHidden()
  })

  await test.step('an example runs on the devnet', async () => {
    await frame.addFrom('folder')
    await expect(consent.dialog).toHaveAccessibleName('Allow block-logger 0.1.0 to run?')
    await consent.allow.click()
    await expect(overview.title).toHaveText('Everything runs', { timeout: 60_000 })
    await frame.open('Logs')
    await expect(new Logs(page).lines).toContainText(/block \d+ 0x[0-9a-f]{64} at/)
  })
})

test('quitting leaves no process behind, and the next start brings the modules back', async ({
  start,
  folder,
  node,
}) => {
  const running = await writeBundle(folder, { name: 'runs', fixture: 'counter', chainId: ownChainId })
  const resting = await writeBundle(folder, { name: 'rests', fixture: 'counter', chainId: ownChainId })
  const stateDir = `${folder}/state`
  const first = await start({
    stateDir,
    settings: { chains: [ownChain(node.ws)] },
    examples: [running, resting],
  })
  const modules = new Modules(first.page)
  const module = new ModuleScreen(first.page)
  await new Frame(first.page).open('Modules')
  await modules.open('rests')
  await module.isRunning()
  await module.stop.click()
  await module.isStopped()
  await expect.poll(async () => (await first.snapshot()).devnet.state).toBe('running')

  const processes = await first.processes()
  const { devnet, modules: views } = await first.snapshot()
  const known = [devnet.pid!, views.find((view) => view.name === 'runs')!.pid!]
  expect(processes).toEqual(expect.arrayContaining(known))
  await first.quit()
  await expect
    .poll(async () => {
      const left = await Promise.all(processes.map(async (pid) => ((await isAlive(pid)) ? pid : null)))
      return left.filter((pid) => pid !== null)
    })
    .toEqual([])

  const second = await start({ stateDir })
  await new Frame(second.page).open('Modules')
  const again = new Modules(second.page)
  await expect(again.row('runs')).toContainText('Running')
  await expect(again.row('rests')).toContainText('Stopped')
})

test('a start that is cut short leaves no sandbox running', async ({ start, folder }) => {
  const bundle = await writeBundle(folder, { name: 'cut-off', fixture: 'counter' })
  const paddock = await start({ examples: [bundle] })
  await expect.poll(async () => (await paddock.snapshot()).modules[0]?.status.state).toBe('running')
  const processes = await paddock.processes()
  await paddock.crash()
  await expect.poll(async () => (await Promise.all(processes.map(isAlive))).filter(Boolean).length).toBe(0)
})
