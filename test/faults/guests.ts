/** Guests that misbehave: each is replaced or refused with its own reason, and nobody else notices. */
import type { Arena } from './arena.ts'
import { isLong } from './arena.ts'
import { bundleOf, faultOf, type BundleManifest } from '../support/engine.ts'
import { DidNotSurvive, mustEqual, mustHold, type Fault } from './fault.ts'
import { residentBytes } from './processes.ts'

const megabyte = 1024 * 1024

/** Runs a guest that does not get through its event; answers the code it ended with. */
async function replaced(arena: Arena, fixture: string, manifest: BundleManifest): Promise<string> {
  const name = await arena.load(fixture, manifest)
  const { pid } = arena.test.view(name)
  await arena.mine(1)
  await arena.test.whenRun(name, 2)
  mustHold(arena.test.view(name).pid !== pid, `${name} runs in the process it failed in`)
  const code = arena.lastCode(name) ?? 'none'
  await arena.purge(name)
  return code
}

function replacedFault(
  name: string,
  how: string,
  times: Fault['times'],
  fixture: string,
  manifest: BundleManifest,
  codes: readonly string[],
): Fault {
  return {
    name,
    how,
    times,
    survives: `ended as ${codes.join(' or ')}, replaced by a new process`,
    provoke: async (arena) => {
      const code = await replaced(arena, fixture, manifest)
      mustHold(codes.includes(code), `it ended as ${code}, not as ${codes.join(' or ')}`)
    },
    tidy: (arena) => arena.purge(manifest.name ?? fixture),
  }
}

/** What each form of the giant fixture comes to; `outcome` is what it stores, absent where its event does not commit. */
interface Giant {
  readonly what: string
  readonly form: number
  readonly size: number
  readonly outcome: 'ok' | 'refused' | 'trap' | 'rolled-back'
}

const giants: readonly Giant[] = [
  { what: 'log line of 16 MiB', form: 0, size: 16 * megabyte, outcome: 'ok' },
  { what: 'value of 16 MiB', form: 1, size: 16 * megabyte, outcome: 'ok' },
  { what: 'value of 60 MiB, above the quota', form: 1, size: 54 * megabyte, outcome: 'refused' },
  { what: 'key of 32 MiB', form: 2, size: 32 * megabyte, outcome: 'refused' },
  { what: 'list of 1,000,000 requests', form: 3, size: 1_000_000, outcome: 'refused' },
  { what: 'params of 24 MiB', form: 4, size: 24 * megabyte, outcome: 'refused' },
  { what: 'answer just below 1 MiB', form: 5, size: 0, outcome: 'ok' },
  { what: 'answer above 1 MiB', form: 6, size: 0, outcome: 'refused' },
  { what: 'list of 50,000 keys', form: 7, size: 50_000, outcome: 'ok' },
  { what: 'error text of 16 MiB', form: 8, size: 16 * megabyte, outcome: 'rolled-back' },
]

async function provokeGiant(arena: Arena, { what, form, size, outcome }: Giant): Promise<void> {
  const manifest = {
    name: 'giant',
    config: { form, size },
    limits: { memory_bytes: 256 * megabyte },
  }
  const before = arena.test.dispatches.length
  await arena.load('giant', manifest)
  await arena.mine(1)
  const dispatch = await arena.test
    .when(what, () => arena.test.dispatches.slice(before).some(({ module }) => module === 'giant'))
    .then(() => arena.test.dispatches.slice(before).find(({ module }) => module === 'giant')?.dispatch)
  const stored = dispatch?.result === 'committed' ? await arena.test.stored('giant', `form/${form}`) : null
  const found =
    stored === null
      ? dispatch?.result === 'failed'
        ? 'trap'
        : dispatch?.result
      : stored === '0'
        ? 'ok'
        : 'refused'
  mustEqual(found, outcome, `${what} (${dispatch?.error?.message ?? 'no error'})`)
  await arena.purge('giant')
}

const pollutable = [Object, Array, Function, String, Number, Error, Map, Promise].map(
  (each) => each.prototype as object,
)
const cleanNames = pollutable.map((each) => Reflect.ownKeys(each).map(String).join())

function mustBeUnpolluted(): void {
  mustEqual(
    pollutable.map((each) => Reflect.ownKeys(each).map(String).join()),
    cleanNames,
    'properties that every object inherits',
  )
  mustEqual(({} as Record<string, unknown>)['polluted'], undefined, 'a property that nobody set')
}

/** Bytes of the engine and of a module's sandbox . */
async function memoryOf(arena: Arena, name: string): Promise<{ engine: number; sandbox: number }> {
  return {
    engine: process.memoryUsage().rss,
    sandbox: await residentBytes(arena.test.view(name).pid ?? 0),
  }
}

const floodLines = 100_000
/** Events that have logged so many lines. */
let flooded = 0

async function provokeLogFlood(arena: Arena, trial: number): Promise<void> {
  const name = 'log-flood'
  if (trial === 0) {
    await arena.load('log-flood', { config: { lines: floodLines } })
    flooded = 0
    // What the first events allocate for good is no growth.
    await arena.mine(2)
    flooded += 2
    await arena.test.whenCommitted(name, arena.head)
  }
  const events = isLong ? 40 : 20
  const memory = await memoryOf(arena, name)
  const began = performance.now()
  for (let event = 0; event < events; event += 1) {
    await arena.mine(1)
    await arena.test.whenCommitted(name, arena.head)
  }
  const perSecond = (events * floodLines) / ((performance.now() - began) / 1_000)
  mustHold(perSecond >= 100_000, `only ${Math.round(perSecond)} lines a second were logged`)
  // One more for the witnesses after the trial before.
  flooded += events + (trial === 0 ? 0 : 1)
  const lines = (): number => {
    const { logLines, logLinesDropped } = arena.test.view(name).usage
    return logLines + logLinesDropped
  }
  const wanted = flooded * floodLines
  await arena.test
    .when('every line is kept or counted', () => lines() === wanted)
    .catch(() => {
      throw new DidNotSurvive(`${lines()} of ${wanted} lines were kept or counted`)
    })
  mustHold(arena.test.view(name).usage.logLinesDropped > 0, 'no line was dropped')
  const after = await memoryOf(arena, name)
  mustHold(
    after.engine - memory.engine < 48 * megabyte,
    `the engine grew by ${grown(memory.engine, after.engine)}`,
  )
  mustHold(
    after.sandbox - memory.sandbox < 48 * megabyte,
    `the sandbox grew by ${grown(memory.sandbox, after.sandbox)}`,
  )
}

function grown(from: number, to: number): string {
  return `${((to - from) / megabyte).toFixed(1)} MiB`
}

const storms = ['store reads', 'chain requests', 'denied chain requests', 'log lines']

export const guestFaults: readonly Fault[] = [
  replacedFault(
    'endless loop, out of fuel',
    'on-event never returns',
    { short: 1, long: 20 },
    'endless-loop',
    { limits: { fuel_per_event: 10_000_000 } },
    ['sandbox.out_of_fuel'],
  ),
  replacedFault(
    'endless loop, out of time',
    'on-event never returns and has more fuel than time',
    { short: 1, long: 20 },
    'endless-loop',
    { name: 'slow-loop', limits: { fuel_per_event: 1_000_000_000_000, deadline_ms: 200 } },
    ['sandbox.deadline'],
  ),
  replacedFault(
    'deep recursion',
    'a function calls itself until the stack is used up',
    { short: 1, long: 20 },
    'deep-recursion',
    {},
    ['sandbox.trap'],
  ),
  replacedFault(
    'memory growth',
    'memory grows by 1 MiB until that is refused at the cap of 64 MiB',
    { short: 1, long: 20 },
    'memory-hog',
    {},
    ['sandbox.out_of_memory', 'sandbox.trap'],
  ),
  {
    name: 'giant strings and lists',
    how: giants.map(({ what }) => what).join('; '),
    times: { short: giants.length, long: giants.length * 5 },
    survives: 'given, or refused with a typed error, up to the bounds of the contract',
    prepare: async ({ anvil }) => {
      for (const [address, bytes] of [
        ['0x00000000000000000000000000000000000000aa', 520_000],
        ['0x00000000000000000000000000000000000000bb', 530_000],
      ] as const)
        await anvil.rpc('anvil_setCode', [address, `0x${'fe'.repeat(bytes)}`])
    },
    provoke: (arena, trial) => provokeGiant(arena, giants[trial % giants.length]!),
    tidy: (arena) => arena.purge('giant'),
  },
  {
    name: 'host calls in a tight loop',
    how: `on-event calls the host without end: ${storms.join(', ')}`,
    times: { short: storms.length, long: storms.length * 5 },
    survives: 'ended as sandbox.deadline or sandbox.out_of_fuel, replaced by a new process',
    provoke: async (arena, trial) => {
      const form = trial % storms.length
      const manifest = { name: 'storm', config: { form }, limits: { deadline_ms: isLong ? 2_000 : 500 } }
      const code = await replaced(arena, 'host-storm', manifest)
      mustHold(
        ['sandbox.deadline', 'sandbox.out_of_fuel'].includes(code),
        `${storms[form]}: it ended as ${code}`,
      )
    },
    tidy: (arena) => arena.purge('storm'),
  },
  {
    name: '100,000 log lines a second',
    how: `each event logs ${floodLines} lines`,
    times: { short: 1, long: 10 },
    survives: 'every line kept or counted as dropped, memory flat, main loop less than 16 ms late (p99)',
    delayBoundMs: 16,
    provoke: provokeLogFlood,
    tidy: (arena) => arena.purge('log-flood'),
  },
  {
    name: 'prototype pollution',
    how: '__proto__, constructor and their like as keys, config, methods, params, texts, error data and module names',
    times: { short: 2, long: 20 },
    survives: 'values come back as given, nothing is inherited by any object of the engine',
    provoke: async (arena, trial) => {
      const name = ['constructor', '__proto__', 'toString', 'hasOwnProperty'][trial % 4]!
      const refused = await bundleOf('pollution', { more: '[config]\n"__proto__" = "polluted"\n' })
      const verdict = await faultOf(arena.test.load(refused))
      mustEqual(verdict.code, 'manifest.syntax', 'the verdict on a config key __proto__')
      const more = '[config]\nconstructor = "polluted"\ntoString = "polluted"\n'
      const before = arena.test.dispatches.length
      await arena.load('pollution', { name, more })
      const own = (result: string): boolean =>
        arena.test.dispatches
          .slice(before)
          .some(({ module, dispatch }) => module === name && dispatch.result === result)
      await arena.mine(2)
      await arena.test.when('an even block is committed', () => own('committed'))
      await arena.test.when('an odd block is rolled back', () => own('rolled-back'))
      mustEqual(await arena.test.stored(name, 'pollution/read'), '5', 'values read back')
      mustEqual(
        await arena.test.stored(name, '__proto__'),
        '{"__proto__":{"polluted":"yes"}}',
        'a stored value',
      )
      mustEqual(arena.test.view(name).run, 1, 'runs')
      const [answered] = arena.test.dispatches
        .slice(before)
        .flatMap(({ dispatch }) => (dispatch.result === 'rolled-back' ? [dispatch.error] : []))
      mustEqual(answered?.code, 'guest.error', 'the error of odd blocks')
      mustBeUnpolluted()
      await arena.purge(name)
    },
    tidy: async (arena) => {
      for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) await arena.purge(name)
    },
  },
]
