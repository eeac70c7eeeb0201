/**
 * Many modules for minutes with a block every second and one hostile module among them:
 * `npm run faults -- soak [--minutes N] [--modules N] [--every MS]`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { bundleOf, closeEngines } from '../support/engine.ts'
import { Arena, witnesses } from './arena.ts'
import { IdleProcess, LoopDelayMeter } from './loop-delay.ts'
import { residentBytes } from './processes.ts'
import { chosenSeed, Random } from './random.ts'
import { readStoreFile } from './store-file.ts'

const hostile = 'hostile'
/** What the hostile module turns into, one after the other. */
const behaviours = [
  { fixture: 'endless-loop', limits: { fuel_per_event: 10_000_000 } },
  { fixture: 'memory-hog' },
  { fixture: 'log-flood', config: { lines: 100_000 } },
  { fixture: 'deep-recursion' },
  { fixture: 'host-storm', config: { form: 1 }, limits: { deadline_ms: 500 } },
  { fixture: 'endless-loop', limits: { fuel_per_event: 1_000_000_000_000, deadline_ms: 500 } },
  { fixture: 'giant', config: { form: 3, size: 100_000 } },
  { fixture: 'host-storm', config: { form: 3 }, limits: { deadline_ms: 500 } },
  { fixture: 'giant', config: { form: 8, size: 4_000_000 } },
  { fixture: 'trap' },
] as const
const behaviourMs = 10_000

interface Memory {
  readonly engine: number
  readonly heap: number
  readonly sandboxes: number
}

async function memoryOf(arena: Arena): Promise<Memory> {
  globalThis.gc?.()
  const pids = arena.test.engine.modules
    .views()
    .flatMap(({ name, pid }) => (name === hostile || pid === null ? [] : pid))
  const resident = await Promise.all(pids.map(residentBytes))
  const { rss, heapUsed } = process.memoryUsage()
  return { engine: rss, heap: heapUsed, sandboxes: resident.reduce((sum, each) => sum + each, 0) }
}

function words({ engine, heap, sandboxes }: Memory, count: number): string {
  const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`
  return `engine ${mebibytes(engine)} resident (heap ${mebibytes(heap)}), ${count} sandboxes ${mebibytes(sandboxes)} resident`
}

/** Answers the exit code: 1 when a block was missed or doubled, or the main loop was late. */
export async function soak(options: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      minutes: { type: 'string', default: '10' },
      modules: { type: 'string', default: '40' },
      every: { type: 'string', default: '1000' },
    },
  })
  const minutes = Number(values.minutes)
  const modules = Number(values.modules)
  const everyMs = Number(values.every)
  if (!(minutes > 0) || !(modules > witnesses.length) || !(everyMs > 0)) {
    process.stderr.write(
      'usage: npm run faults -- soak [--minutes N] [--modules N] [--every MS], of three modules at least\n',
    )
    return 2
  }
  const random = new Random(chosenSeed())
  const arena = await Arena.open(random)
  try {
    return await run(arena, minutes, modules, everyMs)
  } finally {
    await closeEngines()
    await arena.close()
  }
}

async function run(arena: Arena, minutes: number, count: number, everyMs: number): Promise<number> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const { test } = arena
  const good = [
    ...witnesses,
    ...Array.from({ length: count - witnesses.length - 1 }, (_, index) => `module-${index + 1}`),
  ]
  for (const name of good.slice(witnesses.length)) await test.load(await bundleOf('counter', { name }))
  // Dispatches are kept by the test for a look; here only their count matters.
  const handled = new Map(good.map((name) => [name, 0]))
  test.engine.modules.onAnyDispatch((module, { result }) => {
    if (result === 'committed') handled.set(module, (handled.get(module) ?? 0) + 1)
    test.dispatches.length = 0
  })
  let restarts = 0
  let reasons = new Map<string, number>()
  test.engine.modules.onStateChange(({ name, status }) => {
    if (name !== hostile || (status.state !== 'restarting' && status.state !== 'dead')) return
    restarts += 1
    reasons = reasons.set(status.error.code, (reasons.get(status.error.code) ?? 0) + 1)
  })
  say(
    `${good.length} modules and one hostile, a block each ${everyMs} ms for ${minutes} minutes, Node ${process.versions.node}`,
  )
  await arena.mine(3)
  const first = arena.head + 1
  const committed = (): number => [...handled.values()].reduce((sum, each) => sum + each, 0)
  await pause(5_000)
  const start = await memoryOf(arena)
  say(`start     ${words(start, good.length)}`)
  const idle = await IdleProcess.start()
  const loop = new LoopDelayMeter()
  const began = performance.now()
  let behaviour = -1
  let tick = 0
  while (performance.now() - began < minutes * 60_000) {
    const turn = Math.floor((performance.now() - began) / behaviourMs)
    if (turn !== behaviour) {
      behaviour = turn
      await arena.purge(hostile)
      const { fixture, ...manifest } = behaviours[turn % behaviours.length]!
      await arena.load(fixture, { name: hostile, ...manifest })
    }
    // It is revived at once: a hostile module that rests is none.
    if (test.state(hostile) === 'dead') void test.engine.modules.start(hostile)
    await arena.mine(1)
    tick += 1
    if (tick % Math.round(60_000 / everyMs) === 0) {
      const now = await memoryOf(arena)
      say(
        `${String(tick).padStart(5)} s   ${words(now, good.length)}, ${restarts} restarts, ${committed()} events`,
      )
    }
    await pause(Math.max(0, began + tick * everyMs - performance.now()))
  }
  const delay = loop.end()
  const machine = await idle.end()
  await arena.purge(hostile)
  await pause(2_000)
  const end = await memoryOf(arena)
  say(`end       ${words(end, good.length)}`)
  let missed = 0
  let doubled = 0
  for (const name of good) {
    const blocks = new Map(readStoreFile(arena.storeFile(name)).blocks)
    for (let block = first; block <= arena.head; block += 1) {
      const times = Number(blocks.get(block) ?? 0)
      if (times === 0) missed += 1
      if (times > 1) doubled += 1
    }
  }
  const restarted = good.filter((name) => test.view(name).run !== 1 || test.view(name).restarts !== 0)
  say(
    `blocks    ${arena.head - first + 1} for each of ${good.length} modules: ${missed} missed, ${doubled} doubled`,
  )
  say(`modules   ${restarted.length} restarted besides the hostile one`)
  say(`main loop late by ${delay.p99.toFixed(1)} ms (p99), ${delay.max.toFixed(1)} ms (most)`)
  say(
    `          an idle process beside it by ${machine.p99.toFixed(1)} ms (p99), ${machine.max.toFixed(1)} ms (most)`,
  )
  say(`hostile   ${restarts} ends: ${[...reasons].map(([code, times]) => `${code} ${times}`).join(', ')}`)
  return missed + doubled + restarted.length === 0 && delay.p99 < 16 ? 0 : 1
}
