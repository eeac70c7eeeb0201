/** Finds the contract a component is of and whether its imports can be given (spec nexum-host 1, 6.1). */
import { firstMismatch, functionMismatch } from '../../shared/component/compare.ts'
import { parseInterfaceName, sameTrack } from '../../shared/component/names.ts'
import type { ExternShape, WorldShape } from '../../shared/component/world.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { Contract, ContractMatch } from '../contracts/contract.ts'
import { isWasi, providesWasi } from '../contracts/wasi.ts'
import { importedInterface } from '../contracts/shapes.ts'

export interface MatchedContract {
  readonly contract: Contract
  readonly match: ContractMatch
  /** Full names of the imports that need each capability. */
  readonly importsByCapability: ReadonlyMap<string, readonly string[]>
}

/**
 * The contract of a component, checked by structure.
 * Throws `component.invalid_world` when no contract matches its exports, `component.unknown_imports` for imports
 * nobody provides, and `component.unsupported_dialect` for other shapes or versions of known ones.
 */
export function matchContract(world: WorldShape, contracts: readonly Contract[]): MatchedContract {
  for (const contract of contracts) {
    const match = contract.match(world)
    if (match === null) continue
    contract.check?.(world)
    const importsByCapability = checkImports(world, contract, match)
    checkExports(world, match)
    return { contract, match, importsByCapability }
  }
  const exported = world.exports.map((extern) => extern.name)
  const shown = exported.length === 0 ? 'nothing' : listed(exported)
  throw new PaddockError(
    'component.invalid_world',
    `The component exports ${shown}, which is no contract that Paddock knows.`,
    {
      details: { exports: exported, contracts: contracts.map((contract) => contract.id) },
    },
  )
}

function checkImports(world: WorldShape, contract: Contract, match: ContractMatch): Map<string, string[]> {
  const byCapability = new Map<string, string[]>()
  const unknown: string[] = []
  const dialect: string[] = []
  for (const extern of world.imports) {
    const capability = isWasi(extern.name) ? wasiCapability(extern, contract) : contract.capabilityOf(extern)
    if (capability === undefined) unknown.push(extern.name)
    else if (!isWasi(extern.name)) dialect.push(...importMismatch(extern, match))
    if (capability !== undefined && capability !== null) {
      byCapability.set(capability, [...(byCapability.get(capability) ?? []), extern.name])
    }
  }
  if (unknown.length > 0) {
    const verb =
      unknown.length === 1 ? 'imports' : `imports ${unknown.length} interfaces that Paddock does not provide:`
    const end = unknown.length === 1 ? ', which Paddock does not provide' : ''
    throw new PaddockError('component.unknown_imports', `The component ${verb} ${listed(unknown)}${end}.`, {
      details: { imports: unknown, contract: contract.id, world: match.world },
    })
  }
  const [first] = dialect
  if (first !== undefined) throw unsupportedDialect(first, match)
  return byCapability
}

/** WASI is provided virtually; only its HTTP needs a capability (6.1). */
function wasiCapability(extern: ExternShape, contract: Contract): string | null | undefined {
  if (extern.kind !== 'interface' || !providesWasi(extern.name)) return undefined
  return parseInterfaceName(extern.name)?.package === 'http' ? contract.capabilityOf(extern) : null
}

/** Where an import differs from what the host provides: at most one place. */
function importMismatch(extern: ExternShape, match: ContractMatch): string[] {
  if (extern.kind !== 'interface') return []
  const provided = importedInterface(match.shape, extern.name)
  if (provided === undefined) {
    const other = providedVersion(extern.name, match.shape)
    return [other === null ? extern.name : `${extern.name}, provided is ${other}`]
  }
  const mismatch = firstMismatch(provided, extern.interface)
  return mismatch === undefined ? [] : [mismatch]
}

/** The name with the version that the host provides instead of an incompatible one, or null. */
function providedVersion(name: string, shape: WorldShape): string | null {
  const wanted = parseInterfaceName(name)
  for (const extern of shape.imports) {
    const offered = parseInterfaceName(extern.name)
    if (
      offered?.namespace === wanted?.namespace &&
      offered?.package === wanted?.package &&
      offered?.interface === wanted?.interface &&
      !sameTrack(offered?.version, wanted?.version)
    ) {
      return extern.name
    }
  }
  return null
}

function checkExports(world: WorldShape, match: ContractMatch): void {
  for (const expected of match.shape.exports) {
    const actual = world.exports.find((extern) => extern.name === expected.name)
    if (actual === undefined) continue
    const mismatch =
      expected.kind === 'function' && actual.kind === 'function'
        ? functionMismatch(expected.name, expected.function, actual.function)
        : expected.kind === 'interface' && actual.kind === 'interface'
          ? firstMismatch(actual.interface, expected.interface)
          : expected.kind === actual.kind
            ? undefined
            : expected.name
    if (mismatch !== undefined) throw unsupportedDialect(mismatch, match)
  }
}

function unsupportedDialect(mismatch: string, match: ContractMatch): PaddockError {
  return new PaddockError(
    'component.unsupported_dialect',
    `The component was built for another shape than ${match.world}; the first difference is ${mismatch}.`,
    { details: { mismatch, world: match.world } },
  )
}

/** Names in a message: the first twelve; details have all. */
function listed(names: readonly string[]): string {
  const more = names.length - 12
  return more > 0 ? `${names.slice(0, 12).join(', ')} and ${more} more` : names.join(', ')
}
