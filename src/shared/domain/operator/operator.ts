/**
 * What the operator set for the whole engine: one model for the console's settings and `engine.toml`
 * (spec nexum-host 5). Keys in camelCase, times in milliseconds, sizes in bytes.
 */
import { z } from 'zod'
import { identitySectionSchema, messagingSectionSchema, remoteStoreSectionSchema } from './capabilities.ts'
import { contentSectionSchema, discoverySectionSchema } from './content.ts'
import {
  engineSectionSchema,
  healthSectionSchema,
  loggingSectionSchema,
  metricsSectionSchema,
  storeSectionSchema,
} from './engine.ts'
import { operatorLimitsSchema } from './limits.ts'
import { storesSectionSchema } from './stores.ts'
import { toolsSectionSchema } from './tools.ts'

export const operatorSchema = z.strictObject({
  engine: engineSectionSchema.prefault({}),
  limits: operatorLimitsSchema.prefault({}),
  store: storeSectionSchema.prefault({}),
  stores: storesSectionSchema.prefault({}),
  metrics: metricsSectionSchema.prefault({}),
  health: healthSectionSchema.prefault({}),
  logging: loggingSectionSchema.prefault({}),
  identity: identitySectionSchema.prefault({}),
  remoteStore: remoteStoreSectionSchema.prefault({}),
  messaging: messagingSectionSchema.prefault({}),
  content: contentSectionSchema.prefault({}),
  discovery: discoverySectionSchema.prefault({}),
  tools: toolsSectionSchema.prefault({}),
})
export type Operator = z.infer<typeof operatorSchema>

/** What holds where the operator said nothing. */
export const defaultOperator: Operator = operatorSchema.parse({})
