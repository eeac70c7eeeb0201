/** The life of a module on a live chain, as an operator sees it (issue 2, "What to show", 3). */
import { appendFile } from 'node:fs/promises'
import path from 'node:path'
import type { Anvil } from '../support/anvil.ts'
import { ConsentSheet } from './screens/consent-sheet.ts'
import { Chains } from './screens/chains.ts'
import { Frame } from './screens/frame.ts'
import { ModuleScreen, StateTab } from './screens/module.ts'
import { Modules } from './screens/modules.ts'
import { writeBundle } from './support/bundles.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'
import type { Paddock } from './support/paddock.ts'

const name = 'block-counter'

async function headOf(node: Anvil): Promise<number> {
  return Number(await node.rpc('eth_blockNumber', []))
}

/** Mines, and waits until the console shows that the module handled the last block. */
async function mineAndSee(paddock: Paddock, node: Anvil, count: number): Promise<void> {
  await node.mine(count)
  const head = await headOf(node)
  await expect(dispatchOf(paddock, head)).toBeVisible()
}

/** A dispatch's row on the Activity tab. */
function dispatchOf(paddock: Paddock, block: number) {
  return paddock.page
    .getByRole('tabpanel')
    .getByRole('row', { name: new RegExp(`block Own chain ${block} committed`) })
}

/** Reads the store in the State tab: how often each block of `first`–`last` was handled. */
async function handled(paddock: Paddock, first: number, last: number): Promise<Record<string, string>> {
  const state = new StateTab(paddock.page)
  const found: Record<string, string> = {}
  for (let block = first; block <= last; block++) found[block] = await state.read(`block/${block}`)
  return found
}

function once(first: number, last: number): Record<string, string> {
  const expected: Record<string, string> = {}
  for (let block = first; block <= last; block++) expected[block] = '1'
  return expected
}

test('drop, consent, blocks, a dead endpoint, a hot reload, a kill: every block is handled once', async ({
  start,
  folder,
  node,
}) => {
  const bundle = await writeBundle(folder, { name, fixture: 'counter', chainId: ownChainId })
  const paddock = await start({
    settings: { devnet: { autoStart: false }, chains: [ownChain(node.ws)] },
  })
  const { page } = paddock
  const frame = new Frame(page)
  const consent = new ConsentSheet(page)
  const module = new ModuleScreen(page)
  const state = new StateTab(page)
  const chains = new Chains(page)
  let first = 0

  await test.step('dropping a bundle shows what it asks for; nothing runs before that', async () => {
    await paddock.drop(bundle)
    await expect(consent.dialog).toHaveAccessibleName(`Allow ${name} 1.0.0 to run?`)
    await expect(consent.ask(/Keep up to 50 MiB/)).toBeChecked()
    await expect(consent.asks).toContainText('Every block of Own chain')
    await expect(consent.facts).toContainText('nexum:host/event-module@0.2.0')
    expect((await paddock.snapshot()).modules).toEqual([])
    await consent.allow.click()
    await frame.open('Modules')
    await new Modules(page).open(name)
    await module.isRunning()
  })

  await test.step('blocks arrive in the console', async () => {
    first = (await headOf(node)) + 1
    for (let round = 0; round < 5; round++) await mineAndSee(paddock, node, 1)
  })

  await test.step('a dead endpoint loses no block', async () => {
    await frame.open('Chains')
    await chains.open('Own chain')
    await chains.endpoint(1).fill('http://127.0.0.1:1')
    await chains.save.click()
    await expect(page.getByRole('main').getByText('chain.unreachable').first()).toBeVisible()
    await node.mine(3)
    await chains.endpoint(1).fill(node.ws)
    await chains.save.click()
    await expect(chains.entry(1)).toContainText('Serving')
    await frame.open('Modules')
    await new Modules(page).open(name)
    await expect(dispatchOf(paddock, await headOf(node))).toBeVisible()
    await expect(module.run).toContainText('run 1 · 0 restarts')
  })

  await test.step('a changed module is reloaded on the state it has', async () => {
    await writeBundle(folder, { name, fixture: 'counter', chainId: ownChainId, version: '1.1.0' })
    // An empty custom section: another component, which does the same.
    await appendFile(path.join(bundle, 'module.wasm'), new Uint8Array([0, 2, 1, 0x78]))
    const before = (await paddock.snapshot()).modules[0]!
    await module.reload.click()
    await expect(frame.toasts).toContainText(`${name} reloaded, its state kept`)
    await module.isRunning()
    const after = (await paddock.snapshot()).modules[0]!
    expect(after.version).toBe('1.1.0')
    expect(after.componentSha256).not.toBe(before.componentSha256)
    await mineAndSee(paddock, node, 2)
  })

  await test.step('a killed sandbox comes back', async () => {
    const pid = await paddock.pidOf(name)
    const { run } = (await paddock.snapshot()).modules[0]!
    await node.mine(2)
    process.kill(pid, 'SIGKILL')
    await node.mine(4)
    await expect(module.run).toContainText(`run ${run + 1}`)
    await module.isRunning()
    await expect(dispatchOf(paddock, await headOf(node))).toBeVisible()
    expect(await paddock.pidOf(name)).not.toBe(pid)
    await mineAndSee(paddock, node, 2)
  })

  await test.step('no block was lost and none handled twice', async () => {
    const last = await headOf(node)
    await module.show('State')
    expect(await handled(paddock, first, last)).toEqual(once(first, last))
    await expect(state.totals).toContainText(`${last - first + 2} keys`)
    expect(await state.read('count/0')).toBe(String(last - first + 1))
  })
})
