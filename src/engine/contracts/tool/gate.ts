/** What a component must be by its names alone to be run as a tool; nothing of it was compiled yet (spec tools 1). */
import { parseInterfaceName, sameTrack } from '../../../shared/component/names.ts'
import type { ExternShape, InterfaceShape, WorldShape } from '../../../shared/component/world.ts'
import {
  closedWasiInterfaces,
  toolHostInterface,
  toolInterface,
  toolPackage,
  toolVersion,
} from '../../../shared/contracts/tool-world.ts'
import { PaddockError } from '../../../shared/errors.ts'

const wasiVersion = '0.2.0'
/** Functions of the exported interface. */
const toolFunctions = ['execute', 'schema', 'description'] as const
/** A plain name as WIT spells it, and that of a function of a resource. */
const plainName = /^(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*$/
const functionName =
  /^(?:\[(?:method|static|constructor|resource-drop|async|async method|async static)\])?[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z][A-Za-z0-9-]*)?$/

/** Whether any name of the component is of the package of tools, at whatever version. */
export function isOfToolPackage(world: WorldShape): boolean {
  return [...world.imports, ...world.exports].some(({ name }) => name.startsWith(`${toolPackage}/`))
}

/**
 * Refuses what cannot run: `tool.unsupported_contract` names the versions found and supported, `component.malformed` is
 * for names outside of WIT's grammar, `component.unknown_imports` for what nobody provides, `sandbox.instantiate_failed`
 * for exports that are missing.
 */
export function gateTool(world: WorldShape, hostShape: InterfaceShape | undefined): void {
  checkNames(world)
  checkVersions(world)
  checkImports(world, hostShape)
  const exported = world.exports.find(({ name }) => name === toolInterface)
  const functions = exported?.kind === 'interface' ? exported.interface.functions : {}
  const missing =
    exported === undefined ? [toolInterface] : toolFunctions.filter((name) => !Object.hasOwn(functions, name))
  if (missing.length === 0) return
  throw new PaddockError(
    'sandbox.instantiate_failed',
    `The component does not export ${missing.join(', ')}, which a tool must.`,
    { details: { missing } },
  )
}

/** Names end up in generated JavaScript, hence no other shape of name is let through. */
function checkNames(world: WorldShape): void {
  for (const extern of [...world.imports, ...world.exports]) {
    const isSound = extern.name.includes(':')
      ? parseInterfaceName(extern.name) !== undefined
      : plainName.test(extern.name)
    if (!isSound) throw badName(extern.name)
    if (extern.kind !== 'interface') continue
    const { functions, types } = extern.interface
    for (const name of Object.keys(functions)) if (!functionName.test(name)) throw badName(name)
    for (const name of Object.keys(types)) if (!plainName.test(name)) throw badName(name)
  }
}

function badName(name: string): PaddockError {
  return new PaddockError(
    'component.malformed',
    `The component uses a name that WIT does not allow: ${JSON.stringify(name.slice(0, 80))}.`,
  )
}

function checkVersions(world: WorldShape): void {
  const found = [...world.imports, ...world.exports].flatMap(({ name }) => {
    const parsed = parseInterfaceName(name)
    if (`${parsed?.namespace}:${parsed?.package}` !== toolPackage || parsed?.version === toolVersion)
      return []
    return [name]
  })
  if (found.length === 0) return
  const versions = [...new Set(found.map((name) => parseInterfaceName(name)?.version ?? 'none'))]
  throw new PaddockError(
    'tool.unsupported_contract',
    `The component is for ${toolPackage} version ${versions.join(', ')} (${found.join(', ')}); Paddock runs ${toolPackage}@${toolVersion}.`,
    { details: { found, supported: toolVersion } },
  )
}

function checkImports(world: WorldShape, hostShape: InterfaceShape | undefined): void {
  const unknown = world.imports.flatMap((extern) => unknownOf(extern, hostShape))
  if (unknown.length === 0) return
  throw new PaddockError(
    'component.unknown_imports',
    `The component imports ${unknown.slice(0, 12).join(', ')}, which tools are not given.`,
    { details: { imports: unknown } },
  )
}

function unknownOf(extern: ExternShape, hostShape: InterfaceShape | undefined): string[] {
  if (extern.kind === 'type') return []
  if (extern.kind !== 'interface') return [extern.name]
  if (extern.name === toolHostInterface) {
    const offered = hostShape?.functions ?? {}
    return Object.keys(extern.interface.functions)
      .filter((name) => !Object.hasOwn(offered, name))
      .map((name) => `${extern.name}#${name}`)
  }
  // The types of the exported interface, where a build imports them.
  if (extern.name === toolInterface && Object.keys(extern.interface.functions).length === 0) return []
  const parsed = parseInterfaceName(extern.name)
  const bare = `${parsed?.namespace}:${parsed?.package}/${parsed?.interface}`
  const isClosedWasi =
    (closedWasiInterfaces as readonly string[]).includes(bare) && sameTrack(parsed?.version, wasiVersion)
  return isClosedWasi ? [] : [extern.name]
}
