/** Settings out as an engine.toml and in again, with a preview of what changes. */
import { parse, type TomlValue } from 'smol-toml'
import type { ChainConfig } from '../../shared/domain/chain.ts'
import { moduleGrants } from '../../shared/domain/operator/grants.ts'
import type { InstalledModule, Settings } from '../../shared/domain/settings.ts'
import type { ConfigChange, ConfigImport } from '../../shared/ipc/groups/config.ts'
import { redactUrl } from '../../shared/url-redaction.ts'
import { isTable } from '../modules/manifest/document.ts'
import type { SettingsPort } from '../settings-port.ts'
import { configuredModuleSchema, type ConfiguredModule } from './configured-modules.ts'
import { parseEngineConfig } from './engine-config.ts'
import { writeEngineConfig, type WritableConfig } from './write-engine-config.ts'

export interface ConfigServiceOptions {
  readonly settings: SettingsPort
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Called after an import took effect. */
  readonly onApplied: () => Promise<void> | void
}

export class ConfigService {
  private readonly options: ConfigServiceOptions

  constructor(options: ConfigServiceOptions) {
    this.options = options
  }

  /** The text of an engine.toml that reads back as the settings; secrets are left out. */
  export(): string {
    return writeEngineConfig(writable(this.options.settings.get()))
  }

  /**
   * What the text would change, and with `apply` changes it. Modules that are installed take over grants and limits;
   * others are only named: nothing runs without having been reviewed. Throws `settings.*`.
   */
  async import(text: string, apply: boolean): Promise<ConfigImport> {
    const { settings, variables, onApplied } = this.options
    const before = settings.get()
    const { operator, chains, modules } = parseEngineConfig(text, 'engine.toml', variables)
    const after: Settings = {
      ...before,
      operator: keepSecrets(operator, before.operator),
      chains: merged(before.chains, chains),
      modules: before.modules.map((record) => regranted(record, modules)),
    }
    const changes = difference(writable(before), writable(after))
    const known = new Set(before.modules.map(({ bundlePath }) => bundlePath))
    const modulesToLoad = modules.map(({ path }) => path).filter((path) => !known.has(path))
    if (apply) {
      settings.set(after)
      await onApplied()
    }
    return { changes, modulesToLoad, applied: apply }
  }
}

function writable({ operator, chains, modules }: Settings): WritableConfig {
  return { operator, chains, modules: modules.map(configuredOf) }
}

function configuredOf(record: InstalledModule): ConfiguredModule {
  const { name, bundlePath, granted, limits, manifestFile } = record
  return configuredModuleSchema.parse({
    ...moduleGrants(record),
    path: bundlePath,
    manifest: manifestFile ?? null,
    id: name,
    capabilities: granted,
    limits,
  })
}

/** What a file leaves out because it is secret stays as it is. */
function keepSecrets(next: Settings['operator'], before: Settings['operator']): Settings['operator'] {
  const { identity, remoteStore } = next
  return {
    ...next,
    identity: {
      ...identity,
      testKey: identity.testKey ?? (identity.testKeyEnabled ? before.identity.testKey : null),
    },
    remoteStore: { ...remoteStore, feedKey: remoteStore.feedKey ?? before.remoteStore.feedKey },
  }
}

function merged(before: readonly ChainConfig[], named: readonly ChainConfig[]): ChainConfig[] {
  const others = before.filter((chain) => !named.some(({ chainId }) => chainId === chain.chainId))
  return [...others, ...named]
}

function regranted(record: InstalledModule, modules: readonly ConfiguredModule[]): InstalledModule {
  const named = modules.find(
    ({ path, id }) => path === record.bundlePath && (id ?? record.name) === record.name,
  )
  if (named === undefined) return record
  const { accounts, approval, extraMethods, permitDestinations, refusedHosts, refusedTopics, digest } = named
  const grants = {
    ...moduleGrants(record),
    ...{ accounts, approval, extraMethods, permitDestinations, refusedHosts, refusedTopics, digest },
  }
  // A file can take capabilities away; giving one that was never reviewed needs the console's own consent.
  const reviewed = new Set([
    ...record.granted,
    ...(record.reviewed ?? []).map((scope) => scope.replace(/^capability:/, '')),
  ])
  const granted = named.capabilities?.filter((capability) => reviewed.has(capability)) ?? record.granted
  return { ...record, grants, granted, limits: named.limits }
}

/** Keys that differ, as the file names them, in the order of the file. */
function difference(before: WritableConfig, after: WritableConfig): ConfigChange[] {
  const [old, next] = [leaves(before), leaves(after)]
  const keys = [...new Set([...old.keys(), ...next.keys()])]
  return keys
    .filter((key) => old.get(key) !== next.get(key))
    .map((key) => ({ key, before: shown(key, old.get(key)), after: shown(key, next.get(key)) }))
}

function leaves(config: WritableConfig): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (value: TomlValue, path: string): void => {
    if (isTable(value)) {
      for (const [name, item] of Object.entries(value)) visit(item, path === '' ? name : `${path}.${name}`)
    } else if (Array.isArray(value) && value.some(isTable)) {
      for (const [index, item] of value.entries()) visit(item, `${path}[${index + 1}]`)
    } else {
      found.set(path, Array.isArray(value) ? value.map(String).join(', ') : String(value))
    }
  }
  visit(parse(writeEngineConfig(config, { withSecrets: true }), { integersAsBigInt: true }), '')
  return found
}

function shown(key: string, value: string | undefined): string | null {
  if (value === undefined) return null
  if (/\.(test_key|feed_key)$/.test(key)) return '(secret)'
  return value
    .split(', ')
    .map((part) => (/^[a-z]+:\/\//i.test(part) ? redactUrl(part) : part))
    .join(', ')
}
