/** `nexum.toml`, and `module.toml` as later 0.2 branches name it (spec nexum-host 3): unknown keys are warnings. */
import type { ModuleLimits } from '../../../shared/domain/limits.ts'
import { flattenConfig } from './config-pairs.ts'
import { parseContentReference } from './content-reference.ts'
import type { DialectContext, ManifestDialect } from './dialect.ts'
import type { ManifestDocument } from './document.ts'
import type { ManifestComponent, ModuleManifest } from './model.ts'
import { readCapabilities, readChains, readFreeTable, readIdentity, readModuleTables } from './sections.ts'
import { readSubscriptions } from './subscriptions.ts'
import { quoted, TableReader, warn } from './table-reader.ts'

export const nexumDialect: ManifestDialect = { id: 'nexum', fileNames: ['nexum.toml', 'module.toml'], read }

function read(document: ManifestDocument, context: DialectContext): ModuleManifest {
  const warnings: string[] = []
  const root = new TableReader(
    { document, strict: false, warnings, code: 'manifest.wrong_type' },
    document.root,
    [],
  )
  const module = root.child('module')
  const identity = readIdentity(module)
  const component = readComponent(module)
  const limits = readResources(module)
  const tables = readModuleTables(module)
  module.finish()
  const manifest: ModuleManifest = {
    source: { dialect: nexumDialect.id, file: document.file },
    ...identity,
    component,
    capabilities: readCapabilities(root, context.knownCapabilities, 'legacy'),
    limits,
    chains: readChains(root),
    extraChainMethods: tables.extraChainMethods,
    restart: { maxConsecutiveFailures: tables.maxConsecutiveFailures ?? null },
    durability: tables.durability,
    subscriptions: readSubscriptions(root),
    config: flattenConfig(document, readFreeTable(root, 'config'), identity.name),
    contractTable: {},
    warnings,
  }
  root.finish()
  return manifest
}

function readResources(module: TableReader): Partial<ModuleLimits> {
  const table = module.child('resources')
  const memoryBytes = table.integer('max_memory_bytes', 1)
  const fuelPerCall = table.integer('max_fuel_per_event', 1)
  const storeBytes = table.integer('max_state_bytes', 1)
  table.finish()
  return {
    ...(fuelPerCall === undefined ? {} : { fuelPerCall }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(storeBytes === undefined ? {} : { storeBytes }),
  }
}

/** `component` is a content reference; the file itself is `module.wasm` beside the manifest (4.6). */
function readComponent(module: TableReader): ManifestComponent {
  const written = module.string('component') ?? ''
  const parsed = parseContentReference(written)
  if (parsed.kind === 'malformed') {
    throw module.context.document.error(
      'manifest.bad_digest',
      [...module.path, 'component'],
      `module.component is ${quoted(written)}; it must be ${parsed.allowed}.`,
      { value: written.slice(0, 256), allowed: parsed.allowed },
    )
  }
  if (parsed.kind === 'other') {
    warn(
      module.context,
      [...module.path, 'component'],
      `the "${parsed.scheme}" reference is not checked against the file beside the manifest`,
    )
  }
  return {
    file: 'module.wasm',
    sha256: parsed.kind === 'sha256' ? parsed.sha256 : null,
    reference: written === '' ? null : written,
  }
}
