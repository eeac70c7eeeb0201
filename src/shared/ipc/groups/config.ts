/** The console's way in and out for engine.toml (spec nexum-host 5, issue 4). */
import { z } from 'zod'
import { call } from '../define.ts'
import { slow } from './common.ts'

/** One thing an import would change; values as the file shows them, secrets masked. */
export const configChangeSchema = z.object({
  /** Key as in the file: `limits.fuel_per_event`, `chains.1.rpc_url`. */
  key: z.string(),
  /** Null where it was not, or is no more. */
  before: z.string().nullable(),
  after: z.string().nullable(),
})
export type ConfigChange = z.infer<typeof configChangeSchema>

export const configImportSchema = z.object({
  changes: z.array(configChangeSchema),
  /** Modules the file names that are not installed: each is loaded and reviewed as any other. */
  modulesToLoad: z.array(z.string()),
  applied: z.boolean(),
})
export type ConfigImport = z.infer<typeof configImportSchema>

export const configIpc = {
  /** The settings as the text of an engine.toml, without secrets. */
  export: call(z.void(), z.object({ text: z.string() })),
  /**
   * Reads the text of an engine.toml with the same validation as the headless command; with `apply` its operator
   * section and chains take effect, chains it does not name stay. Throws `settings.*` naming line and key.
   */
  import: call(z.object({ text: z.string().max(1_048_576), apply: z.boolean() }), configImportSchema, slow),
} as const
