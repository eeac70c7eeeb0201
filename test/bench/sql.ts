import path from 'node:path'
import Database from 'better-sqlite3'
import { LogBuffer } from '../../src/sandbox/bridge/log-buffer.ts'
import { createActorProgram } from '../../src/sandbox/contracts/actor/program.ts'
import type { GuestProgram } from '../../src/sandbox/programs/guest-program.ts'
import { openPayloadSchema } from '../../src/shared/contracts/actor.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import { monotonicMs } from '../../src/sandbox/bridge/control.ts'
import { compare, us, type Finding } from './measure.ts'
import { actorArtifact, scratch } from './support.ts'

const operations = 1_000
const goal = { kind: 'at most', value: 3 } as const

type Guest = 'compiled' | 'TypeScript'
type Kind = 'select' | 'insert'

/** Statements from a guest over bare better-sqlite3 on the same thread: prepared once, WAL, synchronous NORMAL. */
export async function sql(): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const guest of ['compiled', 'TypeScript'] as const) {
    const actor = await startActor(guest)
    for (const kind of ['select', 'insert'] as const) findings.push(await measure(actor, guest, kind))
    actor.program.close()
  }
  return findings
}

async function measure(actor: Actor, guest: Guest, kind: Kind): Promise<Finding> {
  const bare = bareDatabase()
  const result = await compare(
    () => actor.run(kind),
    () => bare.run(kind),
    {
      // The compiled code of both sides settles after some hundred thousand calls.
      batches: kind === 'select' && guest === 'compiled' ? 300 : 30,
      operations,
    },
  )
  bare.close()
  return {
    name: `sql ${kind}, ${guest} guest`,
    what:
      kind === 'select'
        ? 'point select of one text by its row id over bare better-sqlite3'
        : 'insert of one integer, each its own transaction, over bare better-sqlite3',
    value: result.ratio,
    unit: '×',
    // A guest in QuickJS spends most of its time in its own interpreter.
    goal: guest === 'compiled' ? goal : null,
    detail: `${us(result.ours)} over ${us(result.bare)}`,
  }
}

interface Actor {
  readonly program: GuestProgram
  run(kind: Kind): void
}

let actors = 0

async function startActor(guest: Guest): Promise<Actor> {
  const name = guest === 'compiled' ? 'actor-bench' : 'actor-bench-ts'
  const marks = new Float64Array(new SharedArrayBuffer(16))
  const program = await createActorProgram({
    spec: {
      module: name,
      run: 1,
      contract: 'actor',
      artifactDirectory: await actorArtifact(name),
      storePath: null,
      durability: 'event',
      limits: defaultLimits,
      capabilities: { database: 'provided' },
      logLevel: 'error',
    },
    log: new LogBuffer({ minLevel: 'error', send: () => undefined }),
    linkage: () => 'provided',
    callHost: () => {
      throw new Error('an actor asks the engine for nothing')
    },
    // What the watchdog needs costs as much here as in a sandbox.
    statements: {
      begin: (_: string, budgetMs: number) => {
        marks[0] = monotonicMs()
        marks[1] = budgetMs
      },
      end: () => {
        marks[0] = 0
      },
    },
  } as unknown as Parameters<typeof createActorProgram>[0])
  const call = (operation: string, payload: unknown): void => {
    const fuel = 1_000_000_000_000
    const outcome = program.run(
      { id: 1, sequence: 0, operation, payload, cursor: null, fuel, deadlineMs: 60_000, context: {} },
      () => undefined,
    )
    const done = outcome.status === 'ok' && (outcome.value as { status?: string }).status === 'done'
    if (!done) throw new Error(`${operation} of ${name}: ${JSON.stringify(outcome)}`)
  }
  const facts = openPayloadSchema.parse({
    namespace: 'bench',
    actorId: 'bench',
    key: ['bench'],
    generation: 1,
    databasePath: path.join(scratch, `${name}-${actors++}.db`),
    placement: 'inline',
    synchronous: 'normal',
    limits: {},
    budgets: {},
  })
  call('open', facts)
  call('migrate', {})
  call('start', { cause: 'created', input: null, settings: [] })
  const payload =
    guest === 'compiled' ? Uint8Array.of(operations / 100) : new TextEncoder().encode(String(operations))
  return { program, run: (kind) => call('request', { method: kind, payload }) }
}

/** The least code that does the same. */
function bareDatabase(): { run: (kind: Kind) => void; close: () => void } {
  const database = new Database(path.join(scratch, `bare-sql-${actors++}.db`))
  database.pragma('locking_mode = EXCLUSIVE')
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT NOT NULL); CREATE TABLE log(v INTEGER);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000)
      INSERT INTO t SELECT i, 'value' || i FROM c;`)
  const select = database.prepare('SELECT v FROM t WHERE id = ?')
  const insert = database.prepare('INSERT INTO log(v) VALUES (?)')
  let next = 0
  return {
    run(kind) {
      for (let left = operations; left > 0; left -= 1) {
        if (kind === 'insert') insert.run(next++)
        else if (select.get((next++ % 1000) + 1) === undefined) throw new Error('missing')
      }
    },
    close: () => database.close(),
  }
}
