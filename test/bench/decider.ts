/** Commands of deciders: the whole pipeline against the bare component and against bare SQLite, in one run. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { Engine } from '../../src/engine/engine.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { compileComponent, inspectComponent } from '../../src/engine/compiler/compile.ts'
import { DeciderInstance } from '../../src/sandbox/contracts/decider/guest/decider-instance.ts'
import { loadArtifact } from '../../src/sandbox/loading/artifact.ts'
import { deciderPolicySchema } from '../../src/shared/contracts/decider-limits.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { readWitSource } from '../../scripts/wit-source.ts'
import { deciderWat } from '../support/decider-wat.ts'
import { compare, median, us, type Finding } from './measure.ts'
import { launcher, root, scratch } from './support.ts'

/** Events of one stream, one command each, and the cadence of its snapshots. */
const streamLength = 10
const cadence = 5
const streams = 20
const callers = 64
const operations = streams * streamLength
const batches = 8
const replayed = 10_000

interface Subject {
  readonly title: string
  readonly component: string
  command(stream: string, step: number): { readonly type: string; readonly payload: Uint8Array }
}

/** Goal: at least 0.6 of the slower of the two bare mechanisms (issue 5). */
export async function decider(): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const subject of [await counter(), schedules()]) findings.push(...(await throughput(subject)))
  findings.push(await replayRate(await counter()))
  return findings
}

async function throughput(subject: Subject): Promise<Finding[]> {
  const { engine, close } = await engineWith(subject)
  const bare = await bareComponent(subject)
  const sqlite = bareSqlite()
  let round = 0
  const commands = (): { type: string; payload: Uint8Array }[] => {
    round += 1
    const steps = Array.from({ length: streamLength }, (_, step) => step)
    // In turns over the streams, as commands of many aggregates come.
    return steps.flatMap((step) =>
      Array.from({ length: streams }, (_, stream) => subject.command(`r${round}-${stream}`, step)),
    )
  }
  const pipeline = async (): Promise<void> => {
    const waiting = commands().reverse()
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const outcome = await engine.contracts.deciders.execute(next)
        if (outcome.outcome !== 'decided') throw new Error(JSON.stringify(outcome.failure))
      }
    }
    await Promise.all(Array.from({ length: callers }, work))
  }
  const against = async (bareTask: () => void): Promise<{ ours: number; bare: number }> =>
    compare(pipeline, bareTask, { batches, operations })
  const component = await against(() => bare(commands()))
  const append = await against(() => sqlite.run(operations))
  const slower = Math.max(component.bare, append.bare)
  const ours = median([component.ours, append.ours])
  const latency = await latencies(engine, subject)
  sqlite.close()
  await close()
  return [
    {
      name: `decider ${subject.title}`,
      what: 'commands a second through the whole pipeline, over the slower of bare component and bare SQLite append',
      value: slower / ours,
      unit: '×',
      goal: { kind: 'at least', value: 0.6 },
      detail: `${us(ours)} a command (${Math.round(1e6 / ours)} a second) over component ${us(component.bare)}, append ${us(append.bare)}`,
    },
    {
      name: `decider ${subject.title} p50`,
      what: 'one durable command after the other, streams of 10 events',
      value: latency / 1_000,
      unit: 'ms',
      goal: null,
      detail: us(latency),
    },
  ]
}

async function latencies(engine: Engine, subject: Subject): Promise<number> {
  const taken: number[] = []
  for (let stream = 0; stream < 30; stream += 1) {
    for (let step = 0; step < streamLength; step += 1) {
      const began = performance.now()
      await engine.contracts.deciders.execute(subject.command(`p-${stream}`, step))
      taken.push((performance.now() - began) * 1_000)
    }
  }
  return median(taken)
}

async function replayRate(subject: Subject): Promise<Finding> {
  const { engine, close } = await engineWith(subject)
  const { deciders } = engine.contracts
  for (let index = 0; index < replayed / 1_000; index += 1) {
    const outcome = await deciders.execute({ type: 'bench.plain', payload: counterPayload('long', 1, 1_000) })
    if (outcome.outcome !== 'decided') throw new Error(JSON.stringify(outcome.failure))
  }
  const rates: number[] = []
  for (let time = 0; time < 7; time += 1) {
    const outcome = await deciders.dryRun({ type: 'bench.plain', payload: counterPayload('long', 1, 1) })
    if (outcome.outcome !== 'decided') throw new Error(JSON.stringify(outcome.failure))
    rates.push(outcome.stats.replayedEvents / (outcome.stats.replayMs / 1_000))
  }
  await close()
  return {
    name: 'decider replay',
    what: `events a second when ${replayed} are replayed from the store`,
    value: median(rates) / 1_000,
    unit: 'k/s',
    goal: null,
    detail: `${(replayed / (median(rates) / 1_000)).toFixed(1)} ms for ${replayed} events`,
  }
}

function counterPayload(stream: string, amount: number, events: number): Uint8Array {
  return Buffer.concat([Uint8Array.of(0, amount, events & 255, events >> 8), Buffer.from(stream)])
}

async function counter(): Promise<Subject> {
  const wit = readWitSource(path.join(root, 'resources/wit/trogon-decider'))
  const text = deciderWat({
    name: 'bench.counter',
    version: '1',
    commands: [
      { type: 'bench.add', precondition: 'stream-unchanged', frequency: BigInt(cadence) },
      { type: 'bench.plain', precondition: 'stream-unchanged', frequency: null },
    ],
  })
  // ESM only, which Electron 25 cannot require.
  const { componentEmbed, componentNew, parse } = await import('@bytecodealliance/jco-transpile/wasm-tools')
  const binary = await parse(text)
  const component = await componentNew(
    await componentEmbed({ binary, witSource: wit.text, world: 'decider' }),
    [],
  )
  const file = path.join(scratch, 'bench-counter.wasm')
  writeFileSync(file, component)
  return {
    title: 'compiled',
    component: file,
    command: (stream) => ({ type: 'bench.add', payload: counterPayload(stream, 1, 1) }),
  }
}

/** The example in TypeScript: a schedule and nine occurrences. */
function schedules(): Subject {
  return {
    title: 'TypeScript',
    component: path.join(root, 'modules/schedules-decider/module.wasm'),
    command: (id, step) =>
      step === 0
        ? json('Create', { id, everyMs: 60_000, firstAtMs: 0 })
        : json('RecordOccurrence', { id, atMs: step * 60_000 }),
  }
}

function json(type: string, value: unknown): { type: string; payload: Uint8Array } {
  return { type: `examples.schedules.${type}`, payload: Buffer.from(JSON.stringify(value)) }
}

async function engineWith(subject: Subject): Promise<{ engine: Engine; close: () => Promise<void> }> {
  const folder = path.join(scratch, `decider-${Math.random().toString(36).slice(2)}`)
  const bundle = path.join(folder, 'bundle')
  mkdirSync(bundle, { recursive: true })
  writeFileSync(
    path.join(bundle, 'paddock.toml'),
    `[module]\nname = "bench"\nversion = "1"\ncomponent = "module.wasm"\n\n[contract]\nsnapshot_floor = ${cadence}\n` +
      `\n[contract.snapshot_every]\n"examples.schedules.RecordOccurrence" = ${cadence}\n`,
  )
  copyFileSync(subject.component, path.join(bundle, 'module.wasm'))
  const entry = (name: string): string => path.join(root, 'out/main', `${name}.cjs`)
  const engine = new Engine({
    version: '0.0.0-bench',
    stateDir: path.join(folder, 'state'),
    settings: memorySettings(settingsSchema.parse({ devnet: { autoStart: false } })),
    launcher: await launcher(),
    entries: {
      sandbox: entry('sandbox'),
      compiler: entry('compiler'),
      telemetry: entry('telemetry'),
      storeReader: entry('store-reader'),
      messageStore: entry('message-store'),
      contentStore: entry('content-store'),
    },
  })
  await engine.start()
  const { requestId } = await engine.modules.inspect(bundle, {})
  await engine.modules.install(requestId, [], true)
  if (engine.contracts.deciders.views().length !== 1) {
    throw new Error(JSON.stringify(engine.modules.views().map(({ status }) => status)))
  }
  return { engine, close: () => engine.shutdown() }
}

/** The same calls on a fresh instance each, state in memory: no store, no process, no queue. */
async function bareComponent(
  subject: Subject,
): Promise<(commands: readonly { type: string; payload: Uint8Array }[]) => void> {
  const { sha256 } = await inspectComponent(subject.component)
  const { directory } = await compileComponent(
    {
      path: subject.component,
      expectedSha256: sha256,
      cacheDir: path.join(scratch, 'decider-artifacts'),
      cacheMaxBytes: 2 ** 30,
      limits: { memoryBytes: defaultLimits.memoryBytes, tableElements: 65_536, initialFuel: 100_000_000 },
    },
    () => undefined,
  )
  const artifact = await loadArtifact(directory)
  const { fuelPerCall: fuel } = deciderPolicySchema.parse({})
  const options = { artifact, memoryLimitBytes: defaultLimits.memoryBytes, fuel }
  return (commands) => {
    const known = new Map<
      string,
      { events: { type: string; payload: Uint8Array }[]; snapshot?: Uint8Array; at: number }
    >()
    for (const command of commands) {
      const instance = new DeciderInstance(options)
      const located = instance.streamId(command, fuel)
      if (!located.ok) throw new Error(located.error.message)
      const stream = known.get(located.streamId) ?? { events: [], at: 0 }
      known.set(located.streamId, stream)
      const session = instance.openSession(stream.snapshot, fuel)
      const since = stream.events.slice(stream.at)
      if (since.length > 0) instance.evolve(session, since, fuel)
      const answer = instance.decide(session, command, fuel)
      if (answer.kind !== 'decided') throw new Error(answer.error.message)
      stream.events.push(...answer.events)
      if (stream.events.length - stream.at >= cadence) {
        instance.evolve(session, answer.events, fuel)
        const snapshot = instance.snapshot(session, fuel)
        if (snapshot !== undefined) stream.snapshot = snapshot
        stream.at = stream.events.length
      }
      instance.dropSession(session, fuel)
    }
  }
}

/** The least code that writes the same rows with the same durability: one transaction for each decision. */
function bareSqlite(): { run: (count: number) => void; close: () => void } {
  const database = new Database(path.join(scratch, `bare-events-${Math.random().toString(36).slice(2)}.db`))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec(`CREATE TABLE streams(id INTEGER PRIMARY KEY, module TEXT NOT NULL, stream_id TEXT NOT NULL,
      revision INTEGER NOT NULL, last_position INTEGER NOT NULL, created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL, UNIQUE(module, stream_id)) STRICT;
    CREATE TABLE events(position INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, revision INTEGER NOT NULL,
      event_id BLOB NOT NULL UNIQUE, type TEXT NOT NULL, payload BLOB NOT NULL, headers TEXT NOT NULL,
      batch_index INTEGER NOT NULL, batch_size INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
      UNIQUE(stream, revision)) STRICT;
    CREATE INDEX events_type ON events(type, position);
    CREATE TABLE snapshots(stream INTEGER NOT NULL, module_version TEXT NOT NULL, artifact BLOB NOT NULL,
      revision INTEGER NOT NULL, payload BLOB NOT NULL, taken_at INTEGER NOT NULL,
      PRIMARY KEY(stream, module_version)) STRICT, WITHOUT ROWID;`)
  const upsert = database.prepare(
    `INSERT INTO streams(module, stream_id, revision, last_position, created_at, updated_at) VALUES ('m', ?, 1, ?, 0, 0)
     ON CONFLICT(module, stream_id) DO UPDATE SET revision = revision + 1, last_position = excluded.last_position
     RETURNING id, revision`,
  )
  const insert = database.prepare(
    `INSERT INTO events(stream, revision, event_id, type, payload, headers, batch_index, batch_size, recorded_at)
     VALUES (?, ?, ?, 'bench.added', ?, '{}', 0, 1, 0)`,
  )
  const snapshot = database.prepare(
    `INSERT INTO snapshots VALUES (?, '1', ?, ?, ?, 0) ON CONFLICT(stream, module_version)
     DO UPDATE SET revision = excluded.revision, payload = excluded.payload`,
  )
  const payload = Buffer.alloc(9)
  const state = Buffer.alloc(16)
  const artifact = Buffer.alloc(32)
  let written = 0
  let round = 0
  const append = database.transaction((stream: string) => {
    written += 1
    const id = Buffer.alloc(16)
    id.writeUInt32BE(written)
    const head = upsert.get(stream, written) as { id: number; revision: number }
    insert.run(head.id, head.revision, id, payload)
    if (head.revision % cadence === 0) snapshot.run(head.id, artifact, head.revision, state)
  })
  return {
    run(count) {
      round += 1
      for (let index = 0; index < count; index += 1) append(`r${round}-${index % streams}`)
    },
    close: () => database.close(),
  }
}
