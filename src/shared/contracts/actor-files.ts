/** Backup, export and import of one actor's database (spec actors-sql 15). Paths are absolute and fixed by the engine. */
import { z } from 'zod'
import { moduleNameSchema, sha256Schema } from '../domain/primitives.ts'

const path = z.string().min(1)
const count = z.number().int().nonnegative()

/** `start` begins a copy and drops one that was under way; `step` goes on; `cancel` removes what was written. */
export const backupPayloadSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('start'), targetPath: path }),
  z.strictObject({ action: z.literal('step'), pages: z.number().int().min(1).max(10_000) }),
  z.strictObject({ action: z.literal('cancel') }),
])
export const backupAnswerSchema = z.object({
  done: z.boolean(),
  totalPages: count,
  remainingPages: count,
  restarts: count,
  /** The rest was copied in one step because the source changed too often. */
  copiedAtOnce: z.boolean(),
})

/** What an export says about itself; written beside the file as `<file>.json`. */
export const exportManifestSchema = z.strictObject({
  format: z.literal('paddock-actor-export'),
  version: z.literal(1),
  namespace: moduleNameSchema,
  actorId: z.string(),
  generation: z.number().int().positive(),
  schemaVersion: count,
  engineVersion: z.string(),
  bytes: count,
  sha256: sha256Schema,
})
export type ExportManifest = z.infer<typeof exportManifestSchema>

export const exportPayloadSchema = z.strictObject({ targetPath: path })

export const importPayloadSchema = z.strictObject({
  sourcePath: path,
  sha256: sha256Schema,
  /** False only judges. */
  apply: z.boolean(),
})
export const importAnswerSchema = z.object({
  schemaVersion: count,
  bytes: count,
  tables: count,
  applied: z.boolean(),
})
