/** How core modules spell the imports and exports of the component around them. */
import { parseInterfaceName, sameTrack } from '../../shared/component/names.ts'

/** The newer spelling, `cm32p2|nexum:host/chain@0.2|request`, shortens versions to their compatible track. */
const shortPrefix = 'cm32p2|'

/** A core function's name taken apart: `a:b/c@1.0.0#go` or `go`. */
export interface CoreName {
  readonly interface: string | undefined
  readonly function: string
}

export function parseCoreExport(name: string): CoreName {
  if (name.startsWith(shortPrefix)) {
    const [, owner = '', functionName = ''] = name.split('|')
    return { interface: owner === '' ? undefined : fullVersion(owner), function: functionName }
  }
  const hash = name.lastIndexOf('#')
  if (hash < 0) return { interface: undefined, function: name }
  return { interface: name.slice(0, hash), function: name.slice(hash + 1) }
}

/** The interface a core module means by the module part of an import. */
export function parseCoreImport(module: string): string {
  return module.startsWith(shortPrefix) ? fullVersion(module.slice(shortPrefix.length)) : module
}

function fullVersion(name: string): string {
  const at = name.lastIndexOf('@')
  if (at < 0) return name
  const dots = name.slice(at).split('.').length - 1
  return name + '.0'.repeat(Math.max(0, 2 - dots))
}

/** Whether both name one interface along a compatible version track (spec nexum-host 1.2). */
export function sameInterface(a: string, b: string): boolean {
  const left = parseInterfaceName(a)
  const right = parseInterfaceName(b)
  if (left === undefined || right === undefined) return a === b
  return (
    left.namespace === right.namespace &&
    left.package === right.package &&
    left.interface === right.interface &&
    sameTrack(left.version, right.version)
  )
}

/** Without its version, as generated glue asks for an import. */
export function withoutVersion(name: string): string {
  const at = name.lastIndexOf('@')
  return at < 0 ? name : name.slice(0, at)
}

/** The export to call after `name` returned, so that the guest frees what it returned. */
export function postReturnName(name: string): string {
  return name.startsWith(shortPrefix) ? `${name}_post` : `cabi_post_${name}`
}

/** `list-keys` for `listKeys`; names of resource functions stay as they are. */
export function toKebab(name: string): string {
  if (name.startsWith('[')) return name
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `listKeys` for `list-keys`. */
export function toCamel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
