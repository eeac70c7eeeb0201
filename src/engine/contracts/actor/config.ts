/**
 * The `[contract]` table of an actor module (spec actors-sql 16.1): one schema, every field applied or refused with its
 * path, unknown fields refused. Values may lower what Paddock allows, never raise it.
 */
import { z } from 'zod'
import {
  actorBudgetsSchema,
  databasePageBytes,
  databaseQuotaSchema,
  defaultQuotaBytes,
  sqlLimitsSchema,
} from '../../../shared/contracts/actor-limits.ts'
import { placementSchema } from '../../../shared/contracts/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'

const mib = 1_048_576

function ms(standard: number, most: number): z.ZodDefault<z.ZodNumber> {
  return z.number().int().min(1).max(most).default(standard)
}

export const actorConfigSchema = z.strictObject({
  /** Where the SQL runs: `inline` on the thread of the guest, or `bridged` on one of its own. */
  placement: placementSchema.exclude(['remote']).default('inline'),
  /** `full` syncs every commit to disk; `normal` may lose the last commits when the power fails, never more. */
  synchronous: z.enum(['normal', 'full']).default('normal'),
  /** Most bytes of one actor's database file; only the operator may raise it above its standard of 256 MiB. */
  databaseBytes: databaseQuotaSchema.refine(
    (bytes) => bytes <= defaultQuotaBytes,
    `at most ${defaultQuotaBytes}`,
  ),
  /** Actors that share one process. */
  actorsPerHost: z.number().int().min(1).max(16).default(16),
  /** Memory such a process may take above what it takes without any actor, in bytes. */
  memoryCeilingBytes: z
    .number()
    .int()
    .min(64 * mib)
    .max(512 * mib)
    .default(512 * mib),
  /** Requests that may wait for one actor. */
  queueRequests: z.number().int().min(1).max(128).default(128),
  /** Time without any work after which an actor is put to sleep, in milliseconds. */
  idleMs: ms(30_000, 3_600_000),
  /** Time that `on-sleep` and `on-stop` have together, in milliseconds. */
  graceMs: ms(15_000, 15_000),
  /** Time for what runs to end and for the file to be closed, in milliseconds. */
  closeMs: ms(5_000, 5_000),
  /** Time a request may wait before it reaches the actor, in milliseconds. */
  waitMs: ms(30_000, 30_000),
  /** Time of one request in the guest, in milliseconds; the module's own deadline may be shorter. */
  invocationMs: ms(60_000, 60_000),
  /** Sizes and counts of SQL texts, parameters and answers. */
  limits: sqlLimitsSchema.prefault({}),
  /** Time budgets of statements, scripts, migrations and transactions, in milliseconds. */
  budgets: actorBudgetsSchema.prefault({}),
})
export type ActorConfig = z.infer<typeof actorConfigSchema>

/** `database_bytes` of the manifest is `databaseBytes` here. */
function camel(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function camelKeys(value: unknown, path: readonly string[]): unknown {
  // TOML's integers come as such; what is beyond doubles fails the bounds below all the same.
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
    return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      // A key that is not written as manifests write keys would slip in under another's name.
      if (snake(camel(key)) !== key) throw fault([...path, key], 'unknown; names are written with "_"')
      return [camel(key), camelKeys(each, [...path, key])]
    }),
  )
}

/** Reads the table. Throws `wasm.invalid_config` with the path of the field and the reason. */
export function readActorConfig(table: Readonly<Record<string, unknown>>): ActorConfig {
  const parsed = actorConfigSchema.safeParse(camelKeys(table, []))
  if (parsed.success) {
    const { databaseBytes } = parsed.data
    return { ...parsed.data, databaseBytes: databaseBytes - (databaseBytes % databasePageBytes) }
  }
  const [issue] = parsed.error.issues
  const path = (issue?.path ?? []).map((part) => snake(String(part)))
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  throw unknown === undefined
    ? fault(path, issue?.message ?? 'malformed')
    : fault([...path, snake(unknown)], 'unknown')
}

function fault(path: readonly string[], reason: string): PaddockError {
  const field = ['contract', ...path].join('.')
  return new PaddockError('wasm.invalid_config', `${field}: ${reason}.`, {
    details: { field, reason },
    remedy: `Correct or remove ${field} in the manifest.`,
  })
}
