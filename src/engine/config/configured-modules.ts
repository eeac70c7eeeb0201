/** `[[modules]]` of an engine.toml: what is loaded from a path, and where others are discovered. */
import type { TomlValue } from 'smol-toml'
import { z } from 'zod'
import { moduleLimitsSchema } from '../../shared/domain/limits.ts'
import { discoverySourceSchema, type DiscoverySource } from '../../shared/domain/operator/content.ts'
import { moduleGrantsSchema } from '../../shared/domain/operator/grants.ts'
import { moduleNameSchema } from '../../shared/domain/primitives.ts'
import { isTable, showPath } from '../modules/manifest/document.ts'
import { discoverySourceSpec, moduleSpec } from './key-specs.ts'
import { checked, readTable, type ReadContext } from './read-table.ts'

const pinSchema = z
  .string()
  .regex(/^(sha256:)?[0-9a-fA-F]{64}$/, '"sha256:" and 64 hexadecimal digits')
  .transform((text) => text.replace(/^sha256:/, '').toLowerCase())

export const configuredModuleSchema = moduleGrantsSchema.omit({ digest: true }).extend({
  /** A folder, an archive, a component, or an https address with `#sha256=`. */
  path: z.string().min(1).max(4_096),
  /** Wins over the manifest of the bundle. */
  manifest: z.string().min(1).max(4_096).nullable().default(null),
  /** The digest the component must have (spec nexum-host 4.4). */
  digest: pinSchema.nullable().default(null),
  /** The name the module must have. */
  id: moduleNameSchema.nullable().default(null),
  /** Capabilities granted; null grants what the manifest asks for. */
  capabilities: z.array(z.string().max(64)).max(64).nullable().default(null),
  limits: moduleLimitsSchema.partial().default({}),
})
export type ConfiguredModule = z.infer<typeof configuredModuleSchema>

export interface ConfiguredModules {
  readonly modules: readonly ConfiguredModule[]
  readonly sources: readonly DiscoverySource[]
}

/** Throws `settings.*` naming the entry, counted from 1, and the line. */
export function readModules(context: ReadContext, value: TomlValue | undefined): ConfiguredModules {
  if (value === undefined) return { modules: [], sources: [] }
  if (!Array.isArray(value)) throw context.document.error(['modules'], 'modules must be tables [[modules]].')
  const modules: ConfiguredModule[] = []
  const sources: DiscoverySource[] = []
  for (const [index, item] of value.entries()) {
    const path = ['modules', index]
    if (!isTable(item)) throw context.document.error(path, `${showPath(path)} must be a table.`)
    if (Object.hasOwn(item, 'source')) {
      const read = readTable(context, item, discoverySourceSpec, path)
      sources.push(checked(context, discoverySourceSchema, read, discoverySourceSpec, path))
    } else {
      const read = readTable(context, item, moduleSpec, path)
      modules.push(checked(context, configuredModuleSchema, read, moduleSpec, path))
    }
  }
  return { modules, sources }
}
