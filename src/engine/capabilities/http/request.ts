import { z } from 'zod'
import { maxHttpRequestBytes } from '../../../shared/domain/limits.ts'
import { forwardableHeaders, isForbiddenMethod, isHeaderValue, isToken } from '../../egress/headers.ts'
import type { EgressRequest, HeaderPair } from '../../egress/types.ts'
import { HostFailure } from '../capability.ts'

/** Headers of one request, and their characters together. */
const maxHeaders = 128
const maxHeaderCharacters = 64 * 1024

const header = z.object({ name: z.string(), value: z.string() })

/** The record `request` of the WIT, as it comes from a sandbox. */
export const requestArgs = z.tuple([
  z.object({
    method: z.string(),
    url: z.string(),
    headers: z.array(header),
    body: z.instanceof(Uint8Array).optional(),
    timeoutMs: z.number().int().min(0).max(0xffff_ffff).optional(),
  }),
])
export type HttpRequest = z.infer<typeof requestArgs>[0]

/** The record `response` of the WIT. */
export interface HttpResponse {
  readonly status: number
  readonly headers: readonly z.infer<typeof header>[]
  readonly body: Uint8Array
}

/** Method, headers and body as they may be sent. Throws `HostFailure` (invalid-input). */
export function checkRequest(request: HttpRequest): Pick<EgressRequest, 'method' | 'headers' | 'body'> {
  const { method, body } = request
  if (!isToken(method)) throw invalid('The method is not a token.')
  if (isForbiddenMethod(method)) throw invalid('The method is not allowed.')
  const headers = request.headers.map(({ name, value }): HeaderPair => [name, value])
  if (headers.length > maxHeaders) throw invalid('The request has more headers than are allowed.')
  let characters = 0
  for (const [name, value] of headers) {
    characters += name.length + value.length
    if (!isToken(name)) throw invalid('The name of a header is not a token.')
    if (name.toLowerCase() === 'host') throw invalid('The header host is the host of the URL.')
    if (!isHeaderValue(value)) throw invalid('The value of a header has characters that cannot be sent.')
  }
  if (characters > maxHeaderCharacters) throw invalid('The headers are larger than is allowed.')
  if (body !== undefined && body.length > maxHttpRequestBytes) {
    throw invalid('The body of the request is larger than is allowed.')
  }
  return { method, headers: forwardableHeaders(headers), body: body ?? null }
}

function invalid(message: string): HostFailure {
  return new HostFailure('http', 'invalid-input', message)
}
