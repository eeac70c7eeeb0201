/** Brings the schema up to date, all or nothing, before `on-start` (spec actors-sql 4.3). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { Executor } from './executor.ts'
import { SqlFault, toPaddockError } from './faults.ts'

export interface MigrationOutcome {
  readonly schemaVersion: number
  readonly applied: number
}

/** In the host's table, once migrations were applied: `user_version` counts them then and is not the guest's. */
const markName = 'migrations'

/**
 * Applies the scripts that are missing. Throws `wasm.invalid_config` for fewer scripts than were applied before, else
 * the failing statement's own code, with the number of the script in `details.script`; then nothing is applied.
 */
export function applyMigrations(
  executor: Executor,
  scripts: readonly string[],
  endMs: number,
): MigrationOutcome {
  const { connection } = executor
  const isCounted =
    connection.prepare('SELECT 1 FROM _paddock_meta WHERE name = ?').pluck().get(markName) !== undefined
  const version = Number(connection.pragma('user_version', { simple: true }))
  if (scripts.length === 0 && !isCounted) return { schemaVersion: version, applied: 0 }
  if (version > scripts.length) {
    throw new PaddockError(
      'wasm.invalid_config',
      `The module brings ${scripts.length} migrations; ${version} were applied to the database of this actor.`,
      { details: { field: 'migrations', reason: 'fewer than were applied', stored: version } },
    )
  }
  const missing = scripts.slice(version)
  if (missing.length === 0) return { schemaVersion: version, applied: 0 }
  executor.atomically('_paddock_migrations', () => {
    for (const [offset, script] of missing.entries()) applyOne(executor, script, version + offset, endMs)
    connection.pragma(`user_version = ${scripts.length}`)
    connection.prepare("INSERT OR REPLACE INTO _paddock_meta(name, value) VALUES (?, '1')").run(markName)
  })
  executor.clearPrepared()
  return { schemaVersion: scripts.length, applied: missing.length }
}

function applyOne(executor: Executor, script: string, number: number, endMs: number): void {
  try {
    executor.atomically('_paddock_migration', () => executor.migrate(script, endMs))
  } catch (error) {
    if (!(error instanceof SqlFault)) throw error
    const typed = toPaddockError(error.error)
    throw new PaddockError(typed.code, `Migration ${number} failed: ${typed.message}`, {
      details: { ...typed.details, script: number },
      cause: error,
    })
  }
}
