/** Databases of both placements for tests, on real files. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ActorFacts, Placement } from '../../../../shared/contracts/actor.ts'
import { openPayloadSchema } from '../../../../shared/contracts/actor.ts'
import type { ActorDatabase } from '../database/actor-database.ts'
import { SqlFault } from '../database/faults.ts'
import { LocalDatabase } from '../database/local-database.ts'
import { BridgeClient } from '../bridged/bridge-client.ts'
import { BridgedDatabase, connect } from '../bridged/bridged-database.ts'
import { tripleOf } from '../bridged/messages.ts'
import type { Bindings, SqlError, SqlValue } from '../interfaces.ts'

export const noMarks = { begin: (): void => undefined, end: (): void => undefined }
export const ownerScript = new URL('../bridged/sql-owner-thread.ts', import.meta.url)

export type FactChanges = Omit<Partial<ActorFacts>, 'limits' | 'budgets'> & {
  readonly limits?: Partial<ActorFacts['limits']>
  readonly budgets?: Partial<ActorFacts['budgets']>
}

/** A folder of databases, removed with `close`. */
export class Databases {
  readonly folder = mkdtempSync(join(tmpdir(), 'paddock-actor-'))
  private readonly placement: Placement
  private readonly opened: ActorDatabase[] = []
  private worker: Worker | undefined

  constructor(placement: Placement) {
    this.placement = placement
  }

  path(name = 'a'): string {
    return join(this.folder, `${name}.db`)
  }

  facts(changes: FactChanges = {}): ActorFacts {
    return openPayloadSchema.parse({
      namespace: 'tests',
      actorId: 'a',
      key: ['a'],
      generation: 1,
      databasePath: this.path(changes.actorId ?? 'a'),
      placement: this.placement,
      synchronous: 'normal',
      limits: {},
      budgets: {},
      ...changes,
    })
  }

  open(changes: FactChanges = {}): ActorDatabase {
    const facts = this.facts(changes)
    const database = this.placement === 'inline' ? this.local(facts) : this.bridged(facts)
    this.opened.push(database)
    return database
  }

  async close(): Promise<void> {
    for (const database of this.opened) {
      try {
        database.close()
      } catch {
        // Tests of broken files leave what cannot be closed in order.
      }
    }
    await this.worker?.terminate()
    rmSync(this.folder, { recursive: true, force: true })
  }

  owner(): Worker {
    this.worker ??= new Worker(ownerScript)
    return this.worker
  }

  private local(facts: ActorFacts): ActorDatabase {
    return new LocalDatabase({
      facts,
      marks: noMarks,
      nowMs: () => Date.now(),
      monotonicMs: () => performance.now(),
    })
  }

  private bridged(facts: ActorFacts): ActorDatabase {
    return new BridgedDatabase(
      facts,
      noMarks,
      new BridgeClient(tripleOf(facts), connect(this.owner(), facts)),
    )
  }
}

/** The failure that `call` answers. */
export function faultOf(call: () => unknown): SqlError {
  try {
    call()
  } catch (error) {
    if (error instanceof SqlFault) return error.error
    throw error
  }
  throw new Error('the call did not fail')
}

export function positional(...values: (SqlValue | null | number | bigint | string | Uint8Array)[]): Bindings {
  return { tag: 'positional', val: values.map(valueOf) }
}

export function named(entries: Record<string, SqlValue | number | string>): Bindings {
  return { tag: 'named', val: Object.entries(entries).map(([name, value]) => [name, valueOf(value)]) }
}

function valueOf(value: SqlValue | null | number | bigint | string | Uint8Array): SqlValue {
  if (value === null) return { tag: 'null' }
  if (typeof value === 'bigint') return { tag: 'integer', val: value }
  if (typeof value === 'number') return { tag: 'integer', val: BigInt(value) }
  if (typeof value === 'string') return { tag: 'text', val: value }
  return value instanceof Uint8Array ? { tag: 'blob', val: value } : value
}

/** Rows as plain values: integers as bigint. */
export function plain(rows: readonly (readonly SqlValue[])[]): unknown[][] {
  return rows.map((row) => row.map((cell) => (cell.tag === 'null' ? null : cell.val)))
}
