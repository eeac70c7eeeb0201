/** What is asked of the egress, and what it answers. */
import type { Timeouts } from './deadlines.ts'
import type { PermittedDestinations } from './permitted-destinations.ts'

export type HeaderPair = readonly [name: string, value: string]

export interface EgressRequest {
  /** From `parseTarget`. */
  readonly url: URL
  /** A token, as it is to be sent. */
  readonly method: string
  /** Checked by `checkHeaders`; `host`, `content-length` and hop-by-hop ones are the egress's own. */
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array | null
  readonly timeouts: Timeouts
  /** Bytes of the body, encoded and decoded. */
  readonly maxResponseBytes: number
  /** Nothing but the public internet when absent. */
  readonly permitted?: PermittedDestinations
  readonly signal?: AbortSignal
}

export interface EgressResponse {
  readonly status: number
  /** Names in lower case, repeats apart and in order. */
  readonly headers: readonly HeaderPair[]
  /** Decoded where the encoding is known; `content-encoding` and `content-length` are then gone. */
  readonly body: Uint8Array
}

/** A host whose addresses were all judged; only `Egress.resolve` makes one. */
export interface Destination {
  readonly url: URL
  readonly addresses: readonly string[]
}
