/** What is asked of the egress, and what it answers. */
import type * as http from 'node:http'
import type * as net from 'node:net'
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
  /**
   * Who the connection may be shared with: requests of the same text, host, port and addresses reuse one. Without it
   * the connection is closed after.
   */
  readonly pool?: string
  readonly observer?: ExchangeObserver
}

/** Told of an exchange while it happens, so that what failed half-way is counted as well. */
export interface ExchangeObserver {
  /** A connection stands, to this address. */
  onPeer(address: string): void
  /** Bytes of the answer came, before any decoding; its head counts. */
  onReceived(bytes: number): void
}

export interface EgressResponse {
  readonly status: number
  /** Names in lower case, repeats apart and in order. */
  readonly headers: readonly HeaderPair[]
  /** Decoded where the encoding is known; `content-encoding` and `content-length` are then gone. */
  readonly body: Uint8Array
}

/** A connection whose peer was judged. With an agent it outlives its exchange. */
export interface Connection {
  readonly socket: net.Socket
  readonly agent?: http.Agent
}

/** A host whose addresses were all judged; only `Egress.resolve` makes one. */
export interface Destination {
  readonly url: URL
  readonly addresses: readonly string[]
}
