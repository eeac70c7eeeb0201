/** 200 actors under a mixed load while their sandboxes are killed: what was acknowledged is there, what is unknown was said so. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { TestActors } from '../support/actors.ts'
import { PaddockError } from '../../src/shared/errors.ts'
import { DidNotSurvive, mustEqual, mustHold } from './fault.ts'
import type { Random } from './random.ts'

/** Outcomes after which a write may or may not be there. */
const indeterminateCodes: readonly string[] = [
  'actor.host_lost',
  'actor.dropped_reply',
  'sqlite.remote_indeterminate_result',
]
/** Outcomes after which a write is certainly not there. */
const refusedCodes: readonly string[] = [
  'sqlite.closed',
  'actor.not_ready',
  'actor.overloaded',
  'sqlite.statement_timeout',
]

export interface ActorLoad {
  readonly actors: number
  readonly requests: number
  readonly kills: number
  /** Requests under way at once. */
  readonly width: number
}

export interface ActorLoadResult {
  readonly acknowledged: number
  readonly indeterminate: number
  readonly refused: number
  readonly kills: number
  readonly applied: number
}

/** Runs the load with kills at random moments, then checks every database from outside. Throws `DidNotSurvive`. */
export async function actorsUnderKills(
  actors: TestActors,
  load: ActorLoad,
  random: Random,
): Promise<ActorLoadResult> {
  const acknowledged = new Map<string, Set<string>>()
  const indeterminate = new Map<string, Set<string>>()
  const refused = new Map<string, Set<string>>()
  let next = 0
  let killed = 0
  const keep = (kept: Map<string, Set<string>>, key: string, id: string): void => {
    const ids = kept.get(key) ?? new Set()
    kept.set(key, ids.add(id))
  }
  const worker = async (): Promise<void> => {
    for (;;) {
      const number = next
      next += 1
      if (number >= load.requests) return
      const key = `actor-${number % load.actors}`
      const id = `write-${number}`
      try {
        if (number % 5 === 4) await actors.request(key, 'all', { sql: 'SELECT count(*) FROM log' })
        else {
          await actors.request(key, number % 5 === 3 ? 'batch-insert' : 'append', { id, texts: [id] })
          keep(acknowledged, key, id)
        }
      } catch (error) {
        mustHold(error instanceof PaddockError, `a failure without a code: ${String(error)}`)
        const { code } = error
        if (indeterminateCodes.includes(code)) keep(indeterminate, key, id)
        else if (refusedCodes.includes(code)) keep(refused, key, id)
        else {
          const why = JSON.stringify(actors.test.view(actors.module).lastError)
          throw new DidNotSurvive(`${code} of ${key}; last error of the module: ${why}`)
        }
      }
      if (killed < load.kills && number >= ((killed + 1) * load.requests) / (load.kills + 1)) {
        killed += 1
        const pids = actors.pids()
        const pid = pids[random.whole(0, Math.max(0, pids.length - 1))]
        if (pid !== undefined) process.kill(pid, 'SIGKILL')
      }
    }
  }
  await Promise.all(Array.from({ length: load.width }, () => worker()))
  const view = actors.test.view(actors.module)
  mustEqual(view.status.state, 'running', `the module, whose last error is ${JSON.stringify(view.lastError)}`)
  const { directory } = actors.service.namespace(actors.module).context.files
  const { actors: views } = await actors.page()
  const files = new Map(views.map(({ id, key }) => [key[0] ?? '', join(directory, `${id}.db`)]))
  await actors.test.engine.modules.stop(actors.module)
  let applied = 0
  for (const [key, file] of files) {
    const found = checkDatabase(file, key)
    applied += found.length
    const rows = new Set(found)
    mustEqual(rows.size, found.length, `writes of ${key} applied once`)
    for (const id of acknowledged.get(key) ?? [])
      mustHold(rows.has(id), `${key}: acknowledged ${id} is missing`)
    for (const id of refused.get(key) ?? []) mustHold(!rows.has(id), `${key}: refused ${id} was applied`)
    for (const id of rows) {
      const told = acknowledged.get(key)?.has(id) === true || indeterminate.get(key)?.has(id) === true
      mustHold(told, `${key}: ${id} is there and nobody was told`)
    }
  }
  mustEqual(readdirSync(directory).filter((name) => name.endsWith('.db')).length, load.actors, 'databases')
  const sizeOf = (kept: Map<string, Set<string>>): number =>
    [...kept.values()].reduce((sum, ids) => sum + ids.size, 0)
  return {
    acknowledged: sizeOf(acknowledged),
    indeterminate: sizeOf(indeterminate),
    refused: sizeOf(refused),
    kills: killed,
    applied,
  }
}

/** The writes in the file, which must be sound and agree with its own count of transactions. */
function checkDatabase(file: string, key: string): string[] {
  const database = new Database(file)
  try {
    mustEqual(database.pragma('integrity_check', { simple: true }), 'ok', `integrity of ${key}`)
    const texts = database.prepare(`SELECT text FROM log WHERE text LIKE 'write-%'`).pluck().all() as string[]
    const total = database.prepare('SELECT count FROM total').pluck().get() as number
    const appended = texts.filter((text) => Number(text.slice('write-'.length)) % 5 < 3).length
    mustEqual(total, appended, `transactions of ${key} that are kept whole`)
    return texts
  } finally {
    database.close()
  }
}
