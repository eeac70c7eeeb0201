/** Settings as the text of an engine.toml that reads back as the same settings. */
import { stringify, type TomlTable, type TomlValue } from 'smol-toml'
import { chainConfigSchema, type ChainConfig } from '../../shared/domain/chain.ts'
import { defaultOperator, type Operator } from '../../shared/domain/operator/operator.ts'
import type { ConfiguredModule } from './configured-modules.ts'
import { configuredModuleSchema } from './configured-modules.ts'
import {
  chainSpec,
  discoverySourceSpec,
  moduleSpec,
  operatorSpec,
  type KeySpec,
  type TableSpec,
} from './key-specs.ts'

export interface WritableConfig {
  readonly operator: Operator
  readonly chains: readonly ChainConfig[]
  readonly modules: readonly ConfiguredModule[]
}

export interface WriteOptions {
  /** Keys for tests and feeds are left out unless asked for. */
  readonly withSecrets?: boolean
}

/** Writes what differs from the defaults. Pure. */
export function writeEngineConfig(config: WritableConfig, options: WriteOptions = {}): string {
  const withSecrets = options.withSecrets === true
  const tree = writeTable(toRecord(config.operator), operatorSpec, toRecord(defaultOperator), withSecrets)
  const { metrics, ...sections } = tree
  if (metrics !== undefined) {
    const engine = sections['engine']
    sections['engine'] = { ...(isRecord(engine) ? engine : {}), metrics }
  }
  const chains: TomlTable = {}
  // A chain without an endpoint cannot be written, and nothing could be done with it.
  const usable = config.chains.filter(({ endpoints }) => endpoints.length > 0)
  for (const chain of usable) chains[chain.chainId] = writeChain(chain, withSecrets)
  const modules = [
    ...config.modules.map((module) => writeModule(module, withSecrets)),
    ...config.operator.discovery.sources.map((source) =>
      writeTable(toRecord(source), discoverySourceSpec, {}, withSecrets),
    ),
  ]
  const head = secretNote(config.operator, withSecrets)
  return `${head}${escapeVariables(
    stringify({
      ...sections,
      ...(usable.length === 0 ? {} : { chains }),
      ...(modules.length === 0 ? {} : { modules }),
    }),
  )}`
}

function writeChain(chain: ChainConfig, withSecrets: boolean): TomlTable {
  const { chainId, endpoints } = chain
  const defaults = chainConfigSchema.parse({ chainId, name: `Chain ${chainId}`, endpoints: [] })
  const [first, ...others] = endpoints
  return {
    ...(first === undefined ? {} : { rpc_url: first.url }),
    ...(others.length === 0 ? {} : { fallback_urls: others.map(({ url }) => url) }),
    ...writeTable(toRecord(chain), chainSpec, toRecord(defaults), withSecrets),
  }
}

function writeModule(module: ConfiguredModule, withSecrets: boolean): TomlTable {
  const defaults = configuredModuleSchema.parse({ path: module.path })
  return {
    path: module.path,
    ...writeTable(toRecord(module), moduleSpec, toRecord(defaults), withSecrets),
  }
}

function writeTable(
  model: Readonly<Record<string, unknown>>,
  spec: TableSpec,
  defaults: Readonly<Record<string, unknown>>,
  withSecrets: boolean,
): TomlTable {
  const table: TomlTable = {}
  for (const [name, keySpec] of Object.entries(spec)) {
    if (keySpec.secret === true && !withSecrets) continue
    const value = model[keySpec.to]
    const usual = defaults[keySpec.to]
    if (value === undefined || value === null || isSame(value, usual)) continue
    const written = writeValue(value, keySpec, usual, withSecrets)
    if (written !== undefined) table[name] = written
  }
  return table
}

function writeValue(
  value: unknown,
  spec: KeySpec,
  usual: unknown,
  withSecrets: boolean,
): TomlValue | undefined {
  if (spec.table !== undefined) {
    const table = writeTable(toRecord(value), spec.table, toRecord(usual), withSecrets)
    return Object.keys(table).length === 0 ? undefined : table
  }
  const { list } = spec
  if (list !== undefined && Array.isArray(value)) {
    return value.map((item: unknown) => writeTable(toRecord(item), list, {}, withSecrets))
  }
  if (spec.id === true) return BigInt(String(value))
  if (spec.unit === 'seconds' && typeof value === 'number')
    return value % 1_000 === 0 ? BigInt(value / 1_000) : value / 1_000
  if (spec.unit === 'duration') return `${String(value)}ms`
  return plain(value)
}

function plain(value: unknown): TomlValue {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === 'boolean') return value
  return String(value)
}

/** A reader replaces `${…}` in the raw text, so that one of ours must not look like it. */
function escapeVariables(text: string): string {
  return text.replaceAll('${', '\\u0024{')
}

function secretNote({ identity, remoteStore }: Operator, withSecrets: boolean): string {
  if (withSecrets) return ''
  const left = [
    ...(identity.testKey === null ? [] : ['identity.test_key']),
    ...(remoteStore.feedKey === null ? [] : ['remote_store.feed_key']),
  ]
  return left.length === 0 ? '' : `# Not written, because they are secret: ${left.join(', ')}\n\n`
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
