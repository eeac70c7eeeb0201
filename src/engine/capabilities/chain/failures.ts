import { hostErrorSchema } from '../../../shared/sandbox/host-error.ts'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import { asChainRequestError } from '../../chains/request-error.ts'
import type { ChainRequestError } from '../../chains/request-error.ts'
import { HostFailure } from '../capability.ts'

export const rpcCodes = {
  internal: -32603,
  invalidParams: -32602,
  methodNotFound: -32601,
  limitExceeded: -32005,
}

/** A host-error of the domain `chain`. */
export function chainFailure(kind: HostErrorKind, code: number, message: string, data?: string): HostFailure {
  return new HostFailure('chain', kind, message, data === undefined ? { code } : { code, data })
}

/** What a guest sees of a failed request (spec nexum-host 7.2, 8.6): only a node's own answer brings data. */
export function toHostFailure(thrown: unknown): HostFailure {
  if (thrown instanceof HostFailure) return thrown
  const error = asChainRequestError(thrown)
  const { message, httpStatus } = error
  switch (error.kind) {
    case 'unknown-chain':
      return chainFailure('unsupported', 0, message)
    case 'rpc':
      return nodeFailure(error)
    case 'timeout':
    case 'cancelled':
      return chainFailure('timeout', rpcCodes.internal, message)
    case 'rate-limited':
      return chainFailure('rate-limited', 429, message)
    case 'too-large':
      return chainFailure('invalid-input', 0, message)
    case 'http-status':
      return chainFailure(kindOfStatus(httpStatus ?? 0), httpStatus ?? rpcCodes.internal, message)
    case 'unreachable':
    case 'closed':
    case 'wrong-chain':
    case 'not-json-rpc':
    case 'batch-refused':
    case 'no-answer':
      return chainFailure('unavailable', rpcCodes.internal, message)
  }
}

function nodeFailure(error: ChainRequestError): HostFailure {
  const code = error.rpcCode ?? rpcCodes.internal
  const fits = hostErrorSchema.shape.code.safeParse(code).success
  return chainFailure(
    kindOfCode(code, error.httpStatus),
    fits ? code : rpcCodes.internal,
    error.message,
    error.data,
  )
}

function kindOfCode(code: number, httpStatus: number | undefined): HostErrorKind {
  if (code === rpcCodes.methodNotFound || code === rpcCodes.invalidParams) return 'invalid-input'
  return code === rpcCodes.limitExceeded || httpStatus === 429 ? 'rate-limited' : 'internal'
}

function kindOfStatus(status: number): HostErrorKind {
  if (status === 429) return 'rate-limited'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 401 || status === 403) return 'denied'
  return status >= 400 && status < 500 ? 'invalid-input' : 'unavailable'
}
