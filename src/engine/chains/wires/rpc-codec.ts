import { ChainRequestError } from '../request-error.ts'
import type { ChainRequestErrorOptions } from '../request-error.ts'
import { arrayElements, objectMembers } from './raw-json.ts'

/** One JSON-RPC request; `params` is JSON text sent byte for byte (spec nexum-host 8.6). */
export interface RpcRequest {
  readonly method: string
  readonly params?: string | undefined
}

/** What became of one request: the JSON text of `result`, or why there is none. */
export type RpcAnswer =
  { readonly ok: true; readonly result: string } | { readonly ok: false; readonly error: ChainRequestError }

export interface RpcReply {
  /** Null when the node could not tell which request it answers. */
  readonly id: number | null
  readonly answer: RpcAnswer
}

/** The code when the node names none that fits (JSON-RPC 2.0: internal error). */
export const internalRpcCode = -32603

/** The text of one request. */
export function encodeRequest(id: number, request: RpcRequest): string {
  const params = request.params === undefined ? '' : `,"params":${request.params}`
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(request.method)}${params}}`
}

export function notJsonRpc(what: string, httpStatus?: number): ChainRequestError {
  return new ChainRequestError('not-json-rpc', what, httpStatus === undefined ? {} : { httpStatus })
}

/** What HTTP says about an answer. */
export type HttpFacts = Pick<ChainRequestErrorOptions, 'httpStatus' | 'retryAfterMs'>

/** Reads one answer or a list of them. Throws ChainRequestError `not-json-rpc` when the text is neither. */
export function decodeReplies(text: string, http: HttpFacts = {}): RpcReply | readonly RpcReply[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new ChainRequestError('not-json-rpc', 'The answer is not JSON.', { cause })
  }
  if (!Array.isArray(parsed)) {
    const reply = decodeReply(text, parsed, http)
    if (reply === null) throw notJsonRpc('The answer is JSON, but not JSON-RPC.')
    return reply
  }
  const texts = arrayElements(text)
  return (parsed as unknown[]).flatMap((element, index) => {
    const reply = decodeReply(texts[index] ?? '', element, http)
    return reply === null ? [] : [reply]
  })
}

function decodeReply(text: string, parsed: unknown, http: HttpFacts): RpcReply | null {
  if (!isRecord(parsed)) return null
  const given = parsed['id'] ?? null
  // NaN matches no request.
  const id = typeof given === 'number' || given === null ? given : Number.NaN
  const error = parsed['error']
  if (error !== undefined && error !== null) {
    if (!isRecord(error)) return null
    const data = objectMembers(objectMembers(text).get('error') ?? '{}').get('data')
    return { id, answer: { ok: false, error: nodeError(error, data, http) } }
  }
  const result = objectMembers(text).get('result')
  return result === undefined ? null : { id, answer: { ok: true, result } }
}

function nodeError(
  error: Record<string, unknown>,
  data: string | undefined,
  http: HttpFacts,
): ChainRequestError {
  const code = error['code']
  const message = error['message']
  return new ChainRequestError(
    'rpc',
    typeof message === 'string' ? message.slice(0, 4_096) : 'The node refused.',
    {
      rpcCode: typeof code === 'number' && Number.isInteger(code) ? code : internalRpcCode,
      ...(data === undefined || data === 'null' ? {} : { data }),
      ...http,
    },
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
