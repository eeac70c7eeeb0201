/** The `[contract]` table of a decider's manifest: how it asks to be run (spec decider 5, 6, 10). */
import { deciderPolicySchema, type DeciderPolicy } from '../../../shared/contracts/decider-limits.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { ModuleManifest } from '../../modules/manifest/model.ts'

export interface DeciderConfig {
  readonly policy: DeciderPolicy
  /** `name@version` that the descriptor must say, or null. */
  readonly expected: string | null
}

/** Throws `manifest.unknown_key` or `manifest.wrong_type` naming the key. */
export function readDeciderConfig(manifest: Pick<ModuleManifest, 'contractTable' | 'source'>): DeciderConfig {
  const { identity, ...rest } = manifest.contractTable
  if (identity !== undefined && typeof identity !== 'string')
    throw fault(manifest, 'identity', 'must be a text')
  const camel = Object.fromEntries(Object.entries(rest).map(([key, value]) => [toCamel(key), plain(value)]))
  const parsed = deciderPolicySchema.safeParse(camel)
  if (parsed.success) return { policy: parsed.data, expected: identity ?? null }
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') {
    throw fault(manifest, toSnake(issue.keys[0] ?? ''), 'is unknown', 'manifest.unknown_key')
  }
  throw fault(
    manifest,
    (issue?.path ?? []).map((part) => toSnake(String(part))).join('.'),
    issue?.message ?? 'is wrong',
  )
}

function fault(
  { source }: Pick<ModuleManifest, 'source'>,
  key: string,
  what: string,
  code: 'manifest.wrong_type' | 'manifest.unknown_key' = 'manifest.wrong_type',
): PaddockError {
  const field = `contract.${key}`
  return new PaddockError(code, `${source.file ?? 'The manifest'}: ${field} ${what}.`, { details: { field } })
}

/** Whole numbers come as bigint; none of these is so large. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

function toCamel(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function toSnake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
