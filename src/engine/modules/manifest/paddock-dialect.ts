/** `paddock.toml`, our own dialect: unknown keys are errors. */
import type { TomlTable } from 'smol-toml'
import type { ModuleLimits } from '../../../shared/domain/limits.ts'
import { flattenConfig } from './config-pairs.ts'
import { digestRule, parseContentReference } from './content-reference.ts'
import type { DialectContext, ManifestDialect } from './dialect.ts'
import type { ManifestDocument } from './document.ts'
import type { ManifestComponent, ModuleManifest } from './model.ts'
import { readCapabilities, readChains, readFreeTable, readIdentity, readModuleTables } from './sections.ts'
import { readSubscriptions } from './subscriptions.ts'
import { quoted, TableReader } from './table-reader.ts'
import { readToolTables, toolSchema } from './tool-dialect/table.ts'

export const paddockDialect: ManifestDialect = { id: 'paddock', fileNames: ['paddock.toml'], read }

function read(document: ManifestDocument, context: DialectContext): ModuleManifest {
  const warnings: string[] = []
  const root = new TableReader(
    { document, strict: true, warnings, code: 'manifest.wrong_type' },
    document.root,
    [],
  )
  const module = root.child('module')
  const identity = readIdentity(module)
  const component = readComponent(module)
  const tables = readModuleTables(module)
  module.finish()
  const manifest: ModuleManifest = {
    source: { dialect: paddockDialect.id, file: document.file },
    ...identity,
    component,
    capabilities: readCapabilities(root, context.knownCapabilities, 'declared'),
    limits: readLimits(root),
    chains: readChains(root),
    extraChainMethods: tables.extraChainMethods,
    restart: { maxConsecutiveFailures: tables.maxConsecutiveFailures ?? null },
    durability: tables.durability,
    subscriptions: readSubscriptions(root),
    config: flattenConfig(document, readFreeTable(root, 'config'), identity.name),
    contractTable: readContract(root),
    warnings,
  }
  root.finish()
  return manifest
}

/** A table that says it declares a tool is checked here, where its lines are known (spec tools 2). */
function readContract(root: TableReader): TomlTable {
  const table = readFreeTable(root, 'contract') ?? {}
  if (table['schema'] === toolSchema) {
    const reader = root.child('contract')
    readToolTables(reader)
    reader.finish()
  }
  return table
}

function readLimits(root: TableReader): Partial<ModuleLimits> {
  const table = root.child('limits')
  const fuelPerCall = table.integer('fuel_per_event', 1)
  const memoryBytes = table.integer('memory_bytes', 1)
  const deadlineMs = table.integer('deadline_ms', 1)
  const storeBytes = table.integer('state_bytes', 0)
  const queueEvents = table.integer('queue_events', 1)
  table.finish()
  return {
    ...(fuelPerCall === undefined ? {} : { fuelPerCall }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(storeBytes === undefined ? {} : { storeBytes }),
    ...(queueEvents === undefined ? {} : { queueEvents }),
  }
}

/** `component` is a file inside the bundle, or a content reference to the file `module.wasm`. */
function readComponent(module: TableReader): ManifestComponent {
  const written = module.string('component') ?? 'module.wasm'
  const digest = module.string('digest')
  const isReference = /^[a-z0-9]+:/.test(written)
  const file = isReference ? 'module.wasm' : written
  if (!isReference && !isInnerPath(written)) {
    const allowed = 'the name of a file inside the bundle, with forward slashes and without ".."'
    throw module.fault('component', `is ${quoted(written)}; it must be ${allowed}`, { allowed })
  }
  const byReference = isReference ? pinOf(module, 'component', written) : null
  const byDigest = digest === undefined ? null : pinOf(module, 'digest', digest)
  if (byReference !== null && byDigest !== null && byReference !== byDigest) {
    throw module.context.document.error(
      'manifest.bad_digest',
      [...module.path, 'digest'],
      'module.digest and module.component pin different contents.',
      { component: byReference, digest: byDigest },
    )
  }
  return { file, sha256: byDigest ?? byReference, reference: isReference ? written : null }
}

function pinOf(module: TableReader, key: 'component' | 'digest', text: string): string | null {
  const parsed = parseContentReference(text)
  const usable =
    parsed.kind !== 'malformed' &&
    (key === 'component' || parsed.kind === 'unpinned' || text.startsWith('sha256:'))
  if (!usable) {
    const allowed = parsed.kind === 'malformed' && key === 'component' ? parsed.allowed : digestRule
    throw module.context.document.error(
      'manifest.bad_digest',
      [...module.path, key],
      `module.${key} is ${quoted(text)}; it must be ${allowed}.`,
      { value: text.slice(0, 256), allowed },
    )
  }
  return parsed.kind === 'sha256' ? parsed.sha256 : null
}

/** Whether a path stays inside its folder on every system. */
export function isInnerPath(path: string): boolean {
  if (path === '' || path.length > 512 || /[\\:\0]/.test(path) || path.startsWith('/')) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
