/**
 * Ends of a flow that are no component but a part of the engine, written as the `component` of a node:
 * `topic:NAME` (source or sink), `blocks:CHAIN` and `logs:CHAIN` (sources), `store:NAME` (sink).
 */

export type HostEnd =
  /** Source: each message of the topic is an element. Sink: each element is published. */
  | { readonly kind: 'topic'; readonly topic: string }
  /** Each new block is an element of JSON. */
  | { readonly kind: 'blocks'; readonly chainId: string }
  /** Each log that matches is an element of JSON; the node's `config` says which. */
  | { readonly kind: 'logs'; readonly chainId: string; readonly filter: LogFilter }
  /** Each element is a row, written in order. */
  | { readonly kind: 'store'; readonly name: string }

/** No addresses: of all. A topic that is null matches any. */
export interface LogFilter {
  readonly addresses: readonly string[]
  readonly topics: readonly (readonly string[] | null)[]
}
