/** Endpoints that fail in every way, and clocks that jump. */
import { join } from 'node:path'
import { Anvil } from '../support/anvil.ts'
import { chainOf } from '../support/engine.ts'
import type { Arena } from './arena.ts'
import { eventually, mustEqual, type Fault } from './fault.ts'
import { FlakyProxy, type Flaw } from './flaky-proxy.ts'
import { mustHoldEachOnce } from './store-file.ts'

const chainId = '31338'
// A name of its own: blocks of the same numbers on the other chain are no proof.
const victim = 'far-away'
let anvil: Anvil
let proxy: FlakyProxy
let head = 0

async function mineElsewhere(arena: Arena): Promise<void> {
  await anvil.mine(1)
  head += 1
  await arena.mine(1)
}

async function prepare(arena: Arena): Promise<void> {
  head = 0
  anvil = await new Anvil(['--chain-id', chainId]).start(join(arena.folder, 'other-anvil.json'))
  proxy = await new FlakyProxy(Number(new URL(anvil.http).port)).start()
  arena.test.engine.chains.save(chainOf(proxy.ws, chainId))
  await arena.load('ledger', { name: victim, chainId: Number(chainId) })
  await isLive(arena)
  await mineElsewhere(arena)
  await arena.test.whenCommitted(victim, head)
}

async function isLive(arena: Arena): Promise<void> {
  const status = (): string | undefined =>
    arena.test.engine.chains.views().find(({ config }) => config.chainId === chainId)?.status
  await eventually('the other chain is live', () => status() === 'live')
}

const flaws: readonly (Flaw | 'refused' | 'broken')[] = ['cut', 'garbage', 'refused', 'broken', 'silent']

async function provokeFlaw(arena: Arena, trial: number): Promise<void> {
  const flaw = flaws[trial % flaws.length]!
  if (flaw === 'refused') await proxy.stop()
  else if (flaw === 'broken') proxy.breakConnections()
  else proxy.flaw = flaw
  const mining = mineElsewhere(arena)
  await arena.random.moment(300)
  await mining
  proxy.flaw = 'none'
  if (flaw === 'refused') await proxy.start()
  // What it sent meanwhile is lost on this connection: only a new one can tell.
  else proxy.breakConnections()
  await eventually(
    'the next block is handled',
    async () => {
      await mineElsewhere(arena)
      const wanted = head
      return eventually('it is handled', () => arena.test.committed(victim).includes(wanted), 1_500).then(
        () => true,
        () => false,
      )
    },
    60_000,
  )
  mustHoldEachOnce(arena.storeFile(victim), victim, 1, head)
  const { run, restarts } = arena.test.view(victim)
  mustEqual({ run, restarts }, { run: 1, restarts: 0 }, 'the module whose endpoint failed')
}

const hour = 3_600_000
const jumps = [hour, -hour, 24 * hour, -24 * hour, 365 * 24 * hour, -365 * 24 * hour]

export const networkFaults: readonly Fault[] = [
  {
    name: 'endpoint that flaps',
    how: 'a real node behind a proxy that cuts answers, sends garbage, refuses, breaks off or falls silent',
    // Backoffs of the reconnects add up.
    times: { short: 3, long: 10 },
    survives: 'reconnected, every block of the other chain handled once, its module never restarted',
    prepare,
    provoke: provokeFlaw,
    tidy: async (arena) => {
      await arena.purge(victim)
      arena.test.engine.chains.remove(chainId)
      await proxy.stop()
      await anvil.end('SIGKILL')
    },
  },
  {
    name: 'clock that jumps',
    how: 'the wall clock moved by an hour, a day and a year, forwards and back, while blocks come',
    times: { short: jumps.length, long: jumps.length * 10 },
    survives: 'blocks go on; a sandbox killed right after is replaced at once',
    prepare: async (arena) => {
      await arena.load('ledger', { name: victim })
    },
    provoke: async (arena, trial) => {
      const { test, clock } = arena
      const mining = arena.mine(2)
      clock.skip(jumps[trial % jumps.length]!)
      await mining
      await test.whenCommitted(victim, arena.head)
      const { run, pid } = test.view(victim)
      process.kill(pid!, 'SIGKILL')
      await test.whenRun(victim, run + 1)
      arena.forgive()
    },
    tidy: (arena) => arena.purge(victim),
  },
]
