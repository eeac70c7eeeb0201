import { PaddockError } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'

/** Why a request to a chain failed. `rpc` is an answer of the node; all others are ours or the transport's. */
export type ChainFailureKind =
  | 'unknown-chain'
  | 'unreachable'
  | 'closed'
  | 'timeout'
  | 'cancelled'
  | 'wrong-chain'
  | 'not-json-rpc'
  | 'http-status'
  | 'batch-refused'
  | 'too-large'
  | 'no-answer'
  | 'rate-limited'
  | 'rpc'

const codes: Readonly<Record<ChainFailureKind, ErrorCode>> = {
  'unknown-chain': 'chain.unknown',
  unreachable: 'chain.unreachable',
  closed: 'chain.closed',
  timeout: 'chain.timeout',
  cancelled: 'chain.timeout',
  'wrong-chain': 'chain.wrong_chain',
  'not-json-rpc': 'chain.not_json_rpc',
  'http-status': 'chain.unreachable',
  'batch-refused': 'chain.rpc_error',
  'too-large': 'chain.rpc_error',
  'no-answer': 'chain.rpc_error',
  'rate-limited': 'chain.rate_limited',
  rpc: 'chain.rpc_error',
}

export interface ChainRequestErrorOptions {
  /** Code of the node's own error, as it sent it. */
  readonly rpcCode?: number
  /** JSON text of the node's `error.data`. */
  readonly data?: string
  readonly httpStatus?: number
  /** Milliseconds the node asks to wait (Retry-After). */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** A request to a chain that failed. The message holds no address, key or limit (spec nexum-host 7.3). */
export class ChainRequestError extends PaddockError {
  readonly kind: ChainFailureKind
  readonly rpcCode: number | undefined
  readonly data: string | undefined
  readonly httpStatus: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(kind: ChainFailureKind, message: string, options: ChainRequestErrorOptions = {}) {
    super(
      codeOf(kind, options.httpStatus),
      message,
      options.cause === undefined ? {} : { cause: options.cause },
    )
    this.name = 'ChainRequestError'
    this.kind = kind
    this.rpcCode = options.rpcCode
    this.data = options.data
    this.httpStatus = options.httpStatus
    this.retryAfterMs = options.retryAfterMs
  }
}

function codeOf(kind: ChainFailureKind, httpStatus: number | undefined): ErrorCode {
  if (kind !== 'http-status' || httpStatus === undefined) return codes[kind]
  if (httpStatus === 429) return 'chain.rate_limited'
  if (httpStatus === 408 || httpStatus === 504) return 'chain.timeout'
  // A wrong path or key: what is there does not speak JSON-RPC to us.
  return httpStatus < 500 ? 'chain.not_json_rpc' : 'chain.unreachable'
}

/** Any thrown value as a ChainRequestError, so that callers need to know one type only. */
export function asChainRequestError(thrown: unknown): ChainRequestError {
  if (thrown instanceof ChainRequestError) return thrown
  return new ChainRequestError('unreachable', 'The node cannot be reached.', { cause: thrown })
}

/** Whether the endpoint itself failed, so that another one may do better. A node's own answer is final. */
export function isEndpointFailure(error: ChainRequestError): boolean {
  switch (error.kind) {
    case 'unreachable':
    case 'closed':
    case 'timeout':
    case 'wrong-chain':
    case 'not-json-rpc':
    case 'http-status':
      return true
    case 'rpc':
      return error.httpStatus === 429
    case 'unknown-chain':
    case 'cancelled':
    case 'batch-refused':
    case 'too-large':
    case 'no-answer':
    case 'rate-limited':
      return false
  }
}
