/**
 * What parts of the engine report as it happens, for the metrics of spec nexum-host 14.2. Values that a guest chose
 * may be passed as they are: the registry bounds them.
 */
import type { ChainId } from '../../../shared/domain/primitives.ts'

export type Outcome = 'ok' | 'err'
/** Streams that reconnect. */
export type StreamKind = 'blocks' | 'logs'
/** Why an event never reached its module. */
export type DropReason = 'queue_full' | 'rate' | 'dead' | 'removed'

export interface MetricsPort {
  /**
   * One JSON-RPC call: `method` is `deniedMethod` for one refused by policy. `endpoint` is the redacted label of the
   * endpoint that answered or failed last, null when none was asked. Milliseconds.
   */
  rpcRequest(
    chainId: ChainId,
    method: string,
    outcome: Outcome,
    durationMs: number,
    endpoint: string | null,
  ): void
  /** A call went to another endpoint than the preferred one. */
  rpcFallback(chainId: ChainId): void
  /** An upstream stream was opened again after a loss. */
  reconnect(chainId: ChainId, kind: StreamKind, module?: string): void
  /** How many blocks the chain's stream lags behind the newest head known. */
  blocksBehind(chainId: ChainId, blocks: number): void
  signature(module: string, account: string): void
  /** `code` is the kind of the host-error, or its number. */
  signError(module: string, code: string): void
  cowSubmit(chainId: ChainId, outcome: Outcome): void
  contentFetch(scheme: string, ok: boolean): void
  /** Events that never reached the module; `eventType` as in logs (`block`, `logs`, `tick`, `message`). */
  dropped(module: string, eventType: string, reason: DropReason, count?: number): void
  /** An answer of a node was over the cap and withheld. */
  capped(chainId: ChainId, method: string): void
}

/** The method label of a call that policy refused (spec nexum-host 14.2). */
export const deniedMethod = '<denied>'

/** For tests and tools that count nothing. */
export const noMetrics: MetricsPort = {
  rpcRequest: () => undefined,
  rpcFallback: () => undefined,
  reconnect: () => undefined,
  blocksBehind: () => undefined,
  signature: () => undefined,
  signError: () => undefined,
  cowSubmit: () => undefined,
  contentFetch: () => undefined,
  dropped: () => undefined,
  capped: () => undefined,
}
