/** Which stage a component is, and whether it and the host mean the same by it (spec flows 1). Looks inside interfaces only. */
import { firstMismatch } from '../../../shared/component/compare.ts'
import { parseInterfaceName, sameTrack } from '../../../shared/component/names.ts'
import type { ExternShape, InterfaceShape, WorldShape } from '../../../shared/component/world.ts'
import type { StageRole } from '../../../shared/contracts/flow.ts'
import { contractWorld } from '../shapes.ts'

/** The version whose shapes the host has; a name without a version means it (1.3). */
const ownVersion = '0.1.0'

const worlds: Readonly<Record<StageRole, { readonly role: string; readonly world: string }>> = {
  source: { role: 'torvyn:streaming/source', world: 'torvyn:streaming/data-source@0.1.0' },
  processor: { role: 'torvyn:streaming/processor', world: 'torvyn:streaming/managed-transform@0.1.0' },
  sink: { role: 'torvyn:streaming/sink', world: 'torvyn:streaming/data-sink@0.1.0' },
  filter: { role: 'torvyn:filtering/filter', world: 'torvyn:filtering/content-filter@0.1.0' },
  router: { role: 'torvyn:filtering/router', world: 'torvyn:filtering/content-router@0.1.0' },
  aggregator: { role: 'torvyn:aggregation/aggregator', world: 'torvyn:aggregation/stream-aggregator@0.1.0' },
}
const roles = Object.keys(worlds) as StageRole[]

/** The host's own interface; `resources/wit` has it in no world. */
const capabilityQuery: InterfaceShape = {
  name: 'torvyn:capabilities/capability-query@0.1.0',
  functions: {
    'has-capability': {
      async: false,
      params: [{ name: 'name', type: { kind: 'string' } }],
      result: { kind: 'bool' },
    },
  },
  types: {},
}

export interface StageExports {
  /** Roles that are exported in the host's version. */
  readonly roles: readonly StageRole[]
  /** Stage interfaces of other versions, as the component names them. */
  readonly otherVersions: readonly string[]
}

/** The role interfaces among the exports of a component, by names only. */
export function stageExports(world: WorldShape): StageExports {
  const found: StageRole[] = []
  const otherVersions: string[] = []
  for (const { name } of world.exports) {
    const role = roles.find((candidate) => isNamed(name, worlds[candidate].role))
    if (role === undefined) continue
    if (isOwnVersion(name)) found.push(role)
    else otherVersions.push(name)
  }
  return { roles: found, otherVersions }
}

/** The world of a role; of a processor without hooks, `transform`. */
export function stageWorldName(role: StageRole, world: WorldShape): string {
  const isManaged = world.exports.some(({ name }) => isNamed(name, 'torvyn:streaming/lifecycle'))
  return role === 'processor' && !isManaged ? 'torvyn:streaming/transform@0.1.0' : worlds[role].world
}

/** The host's shape for a stage: every interface it provides, and the exports of the role. */
export function stageShape(role: StageRole): WorldShape {
  const own = contractWorld(worlds[role].world)
  return { imports: hostInterfaces().map(asExtern), exports: own?.exports ?? [] }
}

/** The first difference in the exports that a role uses, or null (1.3). */
export function exportMismatch(world: WorldShape, role: StageRole): string | null {
  const expected = contractWorld(worlds[role].world)?.exports ?? []
  for (const extern of expected) {
    if (extern.kind !== 'interface') continue
    const unversioned = extern.name.replace(/@.*$/, '')
    const actual = world.exports.find(({ name }) => isNamed(name, unversioned))
    if (actual === undefined) continue
    if (actual.kind !== 'interface' || !isOwnVersion(actual.name)) return actual.name
    const mismatch = firstMismatch(actual.interface, extern.interface)
    if (mismatch !== undefined) return mismatch
  }
  return null
}

/** How an import of a stage stands to what the host provides; WASI is judged elsewhere. */
type StageImport =
  | { readonly kind: 'provided' }
  | { readonly kind: 'unknown' }
  /** `provided`: the name with the version that the host has. */
  | { readonly kind: 'other-version'; readonly provided: string }
  | { readonly kind: 'other-shape'; readonly mismatch: string }

export function judgeImport(extern: ExternShape): StageImport {
  // A type by itself needs nothing from the host.
  if (extern.kind === 'type') return { kind: 'provided' }
  const offered = hostInterfaces().find(({ name }) => isNamed(extern.name, name.replace(/@.*$/, '')))
  if (offered === undefined || extern.kind !== 'interface') return { kind: 'unknown' }
  if (!isOwnVersion(extern.name)) return { kind: 'other-version', provided: offered.name }
  const mismatch = firstMismatch(offered, extern.interface)
  return mismatch === undefined ? { kind: 'provided' } : { kind: 'other-shape', mismatch }
}

let provided: readonly InterfaceShape[] | undefined

/**
 * `torvyn:streaming/types`, `/buffer-allocator`, and the question for capabilities. A world of the package shows of an
 * interface what it uses, so that the whole is what all worlds show together.
 */
function hostInterfaces(): readonly InterfaceShape[] {
  provided ??= mergeInterfaces()
  return provided
}

function mergeInterfaces(): InterfaceShape[] {
  const merged = new Map<string, InterfaceShape>([[capabilityQuery.name, capabilityQuery]])
  for (const { world } of Object.values(worlds)) {
    for (const extern of contractWorld(world)?.imports ?? []) {
      if (extern.kind !== 'interface') continue
      const { name, functions, types } = extern.interface
      const known = merged.get(name)
      merged.set(name, {
        name,
        functions: { ...known?.functions, ...functions },
        types: { ...known?.types, ...types },
      })
    }
  }
  return [...merged.values()]
}

function asExtern(shape: InterfaceShape): ExternShape {
  return { kind: 'interface', name: shape.name, interface: shape }
}

function isNamed(name: string, unversioned: string): boolean {
  return name === unversioned || name.startsWith(`${unversioned}@`)
}

function isOwnVersion(name: string): boolean {
  const parsed = parseInterfaceName(name)
  return parsed !== undefined && sameTrack(parsed.version ?? ownVersion, ownVersion)
}
