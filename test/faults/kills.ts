/** Sandboxes that are killed or stopped by the system at random moments. */
import { watch } from 'node:fs'
import type { ModuleState } from '../../src/shared/domain/module.ts'
import type { Arena } from './arena.ts'
import { DidNotSurvive, eventually, mustEqual, mustHold, type Fault } from './fault.ts'
import { allGone, signal } from './processes.ts'
import { mustHoldEachOnce } from './store-file.ts'

const victim = 'victim'
/** First block that the victim hears of. */
let first = 0

const moments = ['load', 'init', 'event', 'commit', 'stop'] as const
type Moment = (typeof moments)[number]

async function killAt(arena: Arena, moment: Moment): Promise<void> {
  const { test, random } = arena
  const { run } = test.view(victim)
  let pid: number
  switch (moment) {
    case 'load':
    case 'init': {
      await test.engine.modules.stop(victim)
      const starting = test.engine.modules.start(victim)
      pid = await processIn(arena, moment === 'load' ? ['loading'] : ['initialising', 'running'])
      // Loading takes some hundred milliseconds, init next to nothing.
      await random.moment(moment === 'load' ? 250 : 2)
      signal(pid, 'SIGKILL')
      await starting
      break
    }
    case 'event': {
      pid = pidOf(arena)
      const mining = arena.mine(3)
      await random.moment(40)
      signal(pid, 'SIGKILL')
      await mining
      break
    }
    case 'commit': {
      pid = pidOf(arena)
      await killWhileWriting(arena, pid)
      break
    }
    case 'stop': {
      pid = pidOf(arena)
      const mining = arena.mine(2)
      await random.moment(10)
      const stopping = test.engine.modules.stop(victim)
      await random.moment(15)
      signal(pid, 'SIGKILL')
      await Promise.all([stopping, mining])
      await test.engine.modules.start(victim)
      break
    }
  }
  await allGone([pid], 'the killed sandbox')
  await test.whenRun(victim, run + 1)
}

function pidOf(arena: Arena): number {
  const { pid } = arena.test.view(victim)
  if (pid === null) throw new DidNotSurvive('the victim has no process')
  return pid
}

async function processIn(arena: Arena, states: readonly ModuleState[]): Promise<number> {
  const { test } = arena
  await eventually(
    `${victim} is ${states.join(' or ')}`,
    () => states.includes(test.state(victim)) && test.view(victim).pid !== null,
  )
  return pidOf(arena)
}

/** SQLite writes to the write-ahead log while it commits: the first bytes are the sign to kill. */
async function killWhileWriting(arena: Arena, pid: number): Promise<void> {
  let strike: () => void = () => undefined
  const struck = new Promise<'struck'>((resolve) => {
    strike = () => resolve('struck')
  })
  // Some commits are hit at their first page, others later or just after.
  let toSkip = arena.random.whole(0, 3)
  const watcher = watch(`${arena.storeFile(victim)}-wal`, () => {
    if (toSkip-- > 0) return
    signal(pid, 'SIGKILL')
    strike()
  })
  try {
    for (;;) {
      await arena.mine(1)
      const handled = arena.test.whenCommitted(victim, arena.head).then(() => 'handled' as const)
      if ((await Promise.race([struck, handled])) === 'struck') return await handled.then(() => undefined)
    }
  } finally {
    watcher.close()
  }
}

async function provokeKill(arena: Arena, trial: number): Promise<void> {
  await killAt(arena, moments[trial % moments.length]!)
  await arena.mine(1)
  await arena.test.whenCommitted(victim, arena.head)
  mustHoldEachOnce(arena.storeFile(victim), victim, first, arena.head)
  const told = arena.test.committed(victim).filter((block) => block >= first)
  mustEqual(new Set(told).size, told.length, 'events told as committed once')
  arena.forgive()
}

async function loadVictim(arena: Arena): Promise<void> {
  first = arena.head + 1
  await arena.load('ledger', { name: victim, config: { entries: 200 }, limits: { state_bytes: 8_388_608 } })
  await arena.mine(1)
  await arena.test.whenCommitted(victim, arena.head)
}

export const killFaults: readonly Fault[] = [
  {
    name: 'sandbox killed with -9',
    how: `SIGKILL at a random moment of ${moments.join(', ')}`,
    times: { short: 10, long: 200 },
    survives: 'its store at an event boundary, each of its blocks handled once, the next process runs',
    prepare: loadVictim,
    provoke: provokeKill,
    tidy: (arena) => arena.purge(victim),
  },
  {
    name: 'sandbox killed with -9 again and again',
    how: 'SIGKILL while an event is handled, and once more while the next process starts',
    times: { short: 2, long: 20 },
    survives: 'as before: each of its blocks handled once',
    prepare: loadVictim,
    provoke: async (arena) => {
      const { test, random } = arena
      const { run, pid } = test.view(victim)
      const mining = arena.mine(2)
      await random.moment(30)
      signal(pid ?? 0, 'SIGKILL')
      await test.when('the next process is there', () => ![null, pid].includes(test.view(victim).pid))
      await random.moment(200)
      signal(pidOf(arena), 'SIGKILL')
      await mining
      await test.whenRun(victim, run + 2)
      await arena.mine(1)
      await test.whenCommitted(victim, arena.head)
      mustHoldEachOnce(arena.storeFile(victim), victim, first, arena.head)
      arena.forgive()
    },
    tidy: (arena) => arena.purge(victim),
  },
  {
    name: 'sandbox that stops answering',
    how: 'SIGSTOP at a random moment while blocks come',
    times: { short: 1, long: 20 },
    survives: 'found within 3 s and killed, replaced, each of its blocks handled once',
    prepare: loadVictim,
    provoke: async (arena) => {
      const { test, random } = arena
      const pid = pidOf(arena)
      const { run } = test.view(victim)
      const mining = arena.mine(2)
      await random.moment(30)
      const began = performance.now()
      mustHold(signal(pid, 'SIGSTOP'), 'there was no process to stop')
      await test.when('the stopped sandbox is given up', () => test.state(victim) !== 'running')
      const seconds = (performance.now() - began) / 1_000
      mustHold(seconds < 3.2, `it was found after ${seconds.toFixed(2)} s`)
      mustEqual(arena.lastCode(victim), 'sandbox.unresponsive', 'its reason')
      await allGone([pid], 'the stopped sandbox')
      await test.whenRun(victim, run + 1)
      await mining
      await arena.mine(1)
      await test.whenCommitted(victim, arena.head)
      mustHoldEachOnce(arena.storeFile(victim), victim, first, arena.head)
      arena.forgive()
    },
    tidy: (arena) => arena.purge(victim),
  },
]
