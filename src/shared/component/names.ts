/**
 * Names of interfaces as components write them: `nexum:host/chain@0.2.0`.
 */

/** The parts of an interface's name. */
export interface InterfaceName {
  readonly namespace: string
  readonly package: string
  readonly interface: string
  /** The version as written, `undefined` where the name carries none. */
  readonly version: string | undefined
}

const word = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*'
const interfacePattern = new RegExp(`^(${word}):(${word})/(${word})(?:@([0-9A-Za-z.+-]+))?$`)
const versionPattern =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/

/** The parts of `name`, or `undefined` where it is no name of an interface or its version is no version. */
export function parseInterfaceName(name: string): InterfaceName | undefined {
  const match = interfacePattern.exec(name)
  if (match === null) return undefined
  const [, namespace, packageName, interfaceName, version] = match
  if (namespace === undefined || packageName === undefined || interfaceName === undefined) return undefined
  if (version !== undefined && !versionPattern.test(version)) return undefined
  return { namespace, package: packageName, interface: interfaceName, version }
}

/**
 * Whether an import of one version may be bound to the other: the same major version from 1.0 on,
 * the same minor version below it (spec nexum-host 1.2). A pre-release only matches itself.
 */
export function sameTrack(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return track(a) !== undefined && track(a) === track(b)
}

function track(version: string): string | undefined {
  const match = versionPattern.exec(version)
  if (match === null || match[4] !== undefined) return undefined
  const [, major, minor, patch] = match
  if (major !== '0') return `${major}`
  return minor === '0' ? `0.0.${patch}` : `0.${minor}`
}
