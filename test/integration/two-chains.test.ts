import { spawn, type ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import { bundleOf, closeEngines, range, temporaryFolder } from '../support/engine.ts'

const command = resolve(import.meta.dirname, '../../bin/paddock.mjs')
const anvils: Anvil[] = []
let child: ChildProcess | undefined
/** Unix seconds of the first block. */
const genesis = 1_700_000_000

beforeAll(() => buildFixtures())
afterEach(closeEngines)
afterAll(async () => {
  child?.kill('SIGKILL')
  await Promise.all(anvils.map((anvil) => anvil.end('SIGKILL')))
})

interface Line {
  readonly kind: string
  readonly module?: string
  readonly [field: string]: unknown
}

/** Whole processes start and end here, on a machine that may be busy. */
function until(expectation: () => void): Promise<void> {
  return vi.waitFor(expectation, { interval: 10, timeout: 25_000 })
}

async function mineTo(anvil: Anvil, first: number, last: number): Promise<void> {
  for (const number of range(first, last)) await anvil.rpc('evm_mine', [genesis + number])
}

/** Mines a block every 50 ms, or as fast as the node can, until it is stopped. */
function goOn(anvil: Anvil): { stop(): Promise<number> } {
  let mined = 0
  const over = new AbortController()
  const mining = (async () => {
    while (!over.signal.aborted) {
      await anvil.mine(1)
      mined += 1
      await setTimeout(50)
    }
  })()
  return {
    async stop() {
      over.abort()
      await mining
      return mined
    },
  }
}

it('two modules on two chains handle every block once, in order, while one node is killed with SIGKILL and started again', async () => {
  const folder = await temporaryFolder()
  const state = join(folder, 'first.json')
  const first = await new Anvil(['--chain-id', '31337', '--state-interval', '1']).start(state)
  const spare = await new Anvil(['--chain-id', '31338']).start(join(folder, 'spare.json'))
  anvils.push(first, spare)
  const config = join(folder, 'engine.toml')
  await writeFile(
    config,
    `[chains.31337]\nrpc_url = "${first.ws}"\n[chains.31338]\nrpc_url = "${spare.ws}"\n`,
  )
  const one = await bundleOf('counter', { name: 'one', chainId: 31_337 })
  const two = await bundleOf('counter', { name: 'two', chainId: 31_338 })
  const args = ['run', one, two, '--config', config, '--state-dir', join(folder, 'state'), '--json']
  child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = new Promise<number | null>((settle) => child!.on('close', (code) => settle(code)))
  const lines = (): Line[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line)
  const handled = (module: string): unknown[] =>
    lines()
      .filter((line) => line.kind === 'event.done' && line.module === module)
      .map((line) => (line['result'] === 'committed' ? line['blockNumber'] : line['result']))
  const live = (chainId: string): boolean =>
    lines().some(
      (line) => line.kind === 'chain.state' && line['chainId'] === chainId && line['state'] === 'live',
    )
  await until(() => expect([live('31337'), live('31338')]).toEqual([true, true]))

  // Blocks come without end on the one chain from here on.
  const spareMined = goOn(spare)
  await first.mine(3)
  await until(() => expect(handled('one')).toEqual([1, 2, 3]))
  // Killed, with no chance to say goodbye, and back with its blocks; more are mined before the engine reaches it again.
  const kept = join(folder, 'kept.json')
  await first.keepState(state, 3, kept)
  await first.end('SIGKILL')
  const before = handled('two').length
  await until(() => expect(handled('two').length).toBeGreaterThan(before + 3))
  await first.start(kept)
  await first.mine(4)
  const firstMined = goOn(first)
  await until(() => expect(handled('one').length).toBeGreaterThan(3 + 4 + 5))
  const [ofFirst, ofSpare] = [3 + 4 + (await firstMined.stop()), await spareMined.stop()]
  await until(() => expect(handled('one')).toEqual(range(1, ofFirst)))
  await until(() => expect(handled('two')).toEqual(range(1, ofSpare)))

  const events = (module: string): unknown[] =>
    lines()
      .filter((line) => line.kind === 'module.log' && line.module === module)
      .map((line) => line['event'])
  expect(events('one')).toEqual(expect.arrayContaining(['source_down', 'source_up', 'gap_backfilled']))
  for (const event of ['source_down', 'gap_backfilled']) expect(events('two')).not.toContain(event)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

it('a chain with a second endpoint goes over to it at once and comes back, with every block once', async () => {
  const folder = await temporaryFolder()
  const state = join(folder, 'preferred.json')
  // With the same times both have the same blocks.
  const preferred = await new Anvil(['--timestamp', String(genesis)]).start(state)
  const spare = await new Anvil(['--timestamp', String(genesis)]).start(join(folder, 'other.json'))
  anvils.push(preferred, spare)
  const config = join(folder, 'engine.toml')
  await writeFile(config, `[chains.31337]\nrpc_url = "${preferred.ws}"\nfallback_urls = ["${spare.ws}"]\n`)
  const bundle = await bundleOf('chain-caller', { name: 'caller', chainId: 31_337 })
  child = spawn(process.execPath, [command, 'run', bundle, '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const numbers = (): unknown[] =>
    text
      .split('\n')
      .filter((line) => line.includes('"event.done"'))
      .map((line) => {
        const done = JSON.parse(line) as Line
        return done['result'] === 'committed' ? done['blockNumber'] : done['error']
      })
  await until(() => expect(text).toContain('"live"'))
  await mineTo(preferred, 1, 2)
  await mineTo(spare, 1, 2)
  await until(() => expect(numbers()).toEqual([1, 2]))
  await preferred.end('SIGTERM')
  await mineTo(spare, 3, 5)
  await until(() => expect(numbers()).toEqual(range(1, 5)))
  expect(text).toContain('"source_down"')
  await preferred.start(state)
  await mineTo(preferred, 3, 5)
  expect(await preferred.rpc('eth_blockNumber', [])).toBe('0x5')
  await mineTo(preferred, 6, 8)
  await until(() => expect(numbers()).toEqual(range(1, 8)))
  child.kill('SIGTERM')
})
