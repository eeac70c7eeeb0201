/**
 * Resources that the guest implements. Handles stand in the same strict table as those of the host; the glue's own
 * table is not used. A handle that crosses to the host becomes an object, whose methods take its representation.
 */
import { sameInterface, withoutVersion } from './core-names.ts'
import type { CoreFunction } from './functions.ts'
import type { Guest } from './guest.ts'
import { ResourceKind } from './types.ts'

/** What the host holds of a guest's resource: what the guest's own functions take for it. */
export interface GuestObject {
  readonly rep: number
}

/** A resource exported by `interface`, for instance `session` of `trogon:decider/handler@0.3.0`. */
export interface GuestResource {
  readonly interface: string
  readonly name: string
  readonly kind: ResourceKind<GuestObject>
}

export function guestResource(interfaceName: string, name: string): GuestResource {
  return { interface: interfaceName, name, kind: new ResourceKind<GuestObject>(name) }
}

/** A core function by the name of the component's export, undefined where it has none. */
export type FindCore = (name: string) => CoreFunction | undefined

const exportPrefix = '[export]'
const shortExportPrefix = 'cm32p2|_ex_'

/** The core functions `new`, `rep` and `drop` of `resource`, or undefined where `module` is of another interface. */
export function resourceFunctions(
  resource: GuestResource,
  module: string,
  guest: Guest,
  destructor: FindCore,
): Record<string, CoreFunction> | undefined {
  const owner = ownerOf(module)
  if (owner === undefined) return undefined
  if (!sameInterface(owner, resource.interface) && owner !== shortened(resource.interface)) return undefined
  const { name, kind } = resource
  const create: CoreFunction = (rep) =>
    guarded(guest, () => guest.handles.add(kind as ResourceKind, { rep: Number(rep) >>> 0 }, true))
  const represent: CoreFunction = (handle) =>
    guarded(guest, () => (guest.handles.peek(kind as ResourceKind, Number(handle)) as GuestObject).rep | 0)
  const drop: CoreFunction = (handle) =>
    guarded(guest, () => {
      const { rep } = guest.handles.take(kind as ResourceKind, Number(handle)) as GuestObject
      destructor(destructorName(resource))?.(rep | 0)
      return undefined
    })
  return module.startsWith(shortExportPrefix)
    ? { [`${name}_new`]: create, [`${name}_rep`]: represent, [`${name}_drop`]: drop }
    : {
        [`[resource-new]${name}`]: create,
        [`[resource-rep]${name}`]: represent,
        [`[resource-drop]${name}`]: drop,
      }
}

/** The export by which the guest cleans up after an object. */
export function destructorName(resource: GuestResource): string {
  return `${resource.interface}#[dtor]${resource.name}`
}

function ownerOf(module: string): string | undefined {
  if (module.startsWith(exportPrefix)) return module.slice(exportPrefix.length)
  if (module.startsWith(shortExportPrefix)) return module.slice(shortExportPrefix.length)
  return undefined
}

/** The short spelling cuts a version to its compatible track: `0.3` for `0.3.0`. */
function shortened(interfaceName: string): string {
  const [major = '', minor = ''] = interfaceName.slice(interfaceName.lastIndexOf('@') + 1).split('.')
  const track = major === '0' ? `${major}.${minor}` : major
  return `${withoutVersion(interfaceName)}@${track}`
}

function guarded<T>(guest: Guest, action: () => T): T {
  guest.checkDrop()
  try {
    return action()
  } catch (error) {
    return guest.failHost(error)
  }
}
