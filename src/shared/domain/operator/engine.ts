import { z } from 'zod'
import { listenAddressSchema, positive } from './common.ts'
import { parseLogThresholds } from './log-levels.ts'

export const logThresholdsSchema = z
  .string()
  .max(4_096)
  .refine((text) => parseLogThresholds(text) !== null, 'a level, or level,scope=level,…')

/** spec nexum-host 5.3 `engine.*`. */
export const engineSectionSchema = z.strictObject({
  /** Refuses modules whose component no digest pins (spec 4.3). */
  requireComponentDigest: z.boolean().default(false),
  /** An import the manifest does not declare refuses the module, or is linked to answer `denied` (spec 6.2). */
  undeclaredImports: z.enum(['refuse', 'stub']).default('refuse'),
  /** One bad module stops the start of the engine (headless). */
  strictBoot: z.boolean().default(false),
  /** `level` or `level,scope=level,…`; see `parseLogThresholds`. */
  logLevel: logThresholdsSchema.default('info'),
})

export const storeSectionSchema = z.strictObject({
  /** Unless the manifest says: a transaction per event, or per call (spec 8.5). */
  durability: z.enum(['event', 'call']).default('event'),
})

export const metricsSectionSchema = z.strictObject({
  enabled: z.boolean().default(false),
  bindAddr: listenAddressSchema.default('127.0.0.1:9100'),
  path: z
    .string()
    .regex(/^\/[A-Za-z0-9/_.-]*$/, 'a path such as /metrics')
    .default('/metrics'),
})

export const healthSectionSchema = z.strictObject({
  /** Null: no listener. */
  listen: listenAddressSchema.nullable().default(null),
  /** Milliseconds without an event after which a module with a block subscription counts as stale. */
  staleEventThresholdMs: positive.default(60_000),
})

export const loggingSectionSchema = z.strictObject({
  /** How the headless command prints log lines. */
  format: z.enum(['json', 'pretty']).default('json'),
  /** Level of lines that guests write; null: as `engine.logLevel`. */
  moduleLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).nullable().default(null),
})
