import { z } from 'zod'
import { budgetsSchema } from './budgets.ts'
import { chainConfigSchema } from './chain.ts'
import { flowIdSchema } from './flow.ts'
import { moduleLimitsSchema } from './limits.ts'
import { moduleGrantsSchema } from './operator/grants.ts'
import { operatorSchema } from './operator/operator.ts'
import { moduleNameSchema, sha256Schema } from './primitives.ts'

export const themeSchema = z.enum(['system', 'dark', 'light'])
export const densitySchema = z.enum(['compact', 'regular', 'comfortable'])

/** A module the operator installed, with what was granted to which file (spec nexum-host 6.6). */
export const installedModuleSchema = z.object({
  name: moduleNameSchema,
  bundlePath: z.string(),
  componentSha256: sha256Schema,
  /** Capabilities granted. A later version that asks for more asks again. */
  granted: z.array(z.string()),
  /** Everything that was on the consent sheet, granted or not: capabilities, hosts, topics, chains (`host:…`). */
  reviewed: z.array(z.string()).optional(),
  /** Whether it should run when the engine starts. */
  enabled: z.boolean(),
  /** Limits the operator raised or lowered; the rest is default, narrowed by the manifest. */
  limits: moduleLimitsSchema.partial().default({}),
  /** A manifest that wins over the bundle's own. */
  manifestFile: z.string().optional(),
  /** What announced it, for a module that was discovered (spec nexum-host 15); its limits are narrowed further. */
  discoveredBy: z.string().max(512).optional(),
  /** Accounts, methods, destinations and the like; read it through `moduleGrants`. */
  grants: moduleGrantsSchema.optional(),
})
export type InstalledModule = z.infer<typeof installedModuleSchema>

/** A flow the operator added, with what was granted to it (spec flows 3.4). */
export const installedFlowSchema = z.object({
  id: flowIdSchema,
  /** The flow file, absolute. */
  file: z.string(),
  /** Which flow of the file. */
  flow: z.string().max(64),
  /** What its stages ask for and may have; a later version that asks for more asks again. */
  granted: z.array(z.string().max(256)),
  /** Whether it should run when the engine starts. */
  enabled: z.boolean(),
})
export type InstalledFlow = z.infer<typeof installedFlowSchema>

/** Everything the operator set, persisted by the main process. */
export const settingsSchema = z.object({
  theme: themeSchema.default('system'),
  density: densitySchema.default('regular'),
  chains: z.array(chainConfigSchema).default([]),
  devnet: z.object({ autoStart: z.boolean() }).default({ autoStart: true }),
  modules: z.array(installedModuleSchema).default([]),
  flows: z.array(installedFlowSchema).default([]),
  watchFolders: z.array(z.string()).default([]),
  /** Example bundles that were installed once; what the operator removed is not brought back. */
  examplesSeen: z.array(z.string()).default([]),
  /** What modules may use together and each; without it nothing is limited over time. */
  budgets: budgetsSchema.optional(),
  /** Limits, capabilities' backends, observability and discovery (spec nexum-host 5). */
  operator: operatorSchema.prefault({}),
})
export type Settings = z.infer<typeof settingsSchema>

/** What the renderer may change of the settings directly; the rest changes through its own calls. */
export const preferencesSchema = settingsSchema.pick({ theme: true, density: true })
export type Preferences = z.infer<typeof preferencesSchema>
