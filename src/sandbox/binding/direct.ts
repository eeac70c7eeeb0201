/** Interfaces whose core functions their host writes itself, where codecs would cost too much (spec flows 14). */
import type { CoreFunction } from './functions.ts'
import type { GuestMemory } from './guest.ts'
import type { HostInterface } from './types.ts'

export interface DirectInterface extends HostInterface {
  /** The core function that a core module imports by this name; undefined for an unknown one, which is refused. */
  readonly core: (name: string, memory: GuestMemory) => CoreFunction | undefined
  /** What the generated glue looks up while it wires, and is never called. */
  readonly glue: Readonly<Record<string, unknown>>
}

/** A core export to be called as it is; the caller keeps the rules of `Guest`. */
export interface CoreExport {
  readonly call: CoreFunction
  readonly postReturn: CoreFunction | undefined
  readonly memory: GuestMemory
}

export function isDirect(host: HostInterface): host is DirectInterface {
  return 'core' in host
}
