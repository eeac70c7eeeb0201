/** Calls about the stores of modules (spec nexum-host 16). */
import { z } from 'zod'
import { call } from '../define.ts'
import { bytes, moduleRef, nothing, path, slow } from './common.ts'

/** How much was carried; bytes by the cost formula of spec nexum-host 8.5. */
const carriedSchema = z.object({ entries: z.number().int(), usedBytes: z.number().int() })
const withPath = moduleRef.extend({ path })

export const storeIpc = {
  /** A page of keys in UTF-8 byte order, read without touching the running module. */
  keys: call(
    moduleRef.extend({
      prefix: z.string().max(4_096),
      after: z.string().max(4_096).nullable(),
      limit: z.number().int().min(1).max(1_000),
    }),
    z.object({
      entries: z.array(z.object({ key: z.string(), sizeBytes: z.number().int() })),
      more: z.boolean(),
      total: z.number().int(),
      usedBytes: z.number().int(),
    }),
  ),
  /** The first 64 KiB of a value. */
  value: call(
    moduleRef.extend({ key: z.string().max(4_096) }),
    z.object({ sizeBytes: z.number().int(), head: bytes }).nullable(),
  ),
  /** Shows the system's save dialog; null when cancelled. */
  pickTarget: call(z.object({ suggestion: z.string().max(255) }), path.nullable(), { timeoutMs: 86_400_000 }),
  /** Shows the system's open dialog; null when cancelled. */
  pickSource: call(nothing, path.nullable(), { timeoutMs: 86_400_000 }),
  /** Writes the store as NDJSON, also while the module runs. */
  export: call(withPath, carriedSchema, slow),
  /** Copies the store's file, also while the module runs; nothing may be at the path. */
  backup: call(withPath, carriedSchema, slow),
  /** Puts an export in place of the whole store of a module that is stopped. */
  import: call(withPath, carriedSchema, slow),
  /** Gives room back to the disk while the module is stopped; sizes of the file in bytes. */
  compact: call(moduleRef, z.object({ before: z.number().int(), after: z.number().int() }), slow),
  /** Deletes all that is in the store of a module that is stopped. */
  purge: call(moduleRef, nothing, slow),
} as const
