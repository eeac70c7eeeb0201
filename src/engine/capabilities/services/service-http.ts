/** HTTP to services that the operator names: a Bee node, a Waku node, an order book. */
import { Egress } from '../../egress/egress.ts'
import { everywhere } from '../../egress/permitted-destinations.ts'
import type { EgressResponse, HeaderPair } from '../../egress/types.ts'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import { HostFailure } from '../capability.ts'
import { egressFailure } from '../egress-failure.ts'

const connectMs = 10_000

export interface ServiceRequest {
  readonly method: string
  readonly url: URL
  readonly headers?: readonly HeaderPair[]
  readonly body?: Uint8Array
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number
  readonly maxResponseBytes: number
  readonly signal?: AbortSignal
}

export type SendToService = (request: ServiceRequest) => Promise<EgressResponse>

/**
 * Sends to a service; any status is an answer, redirects are not followed. Without an answer it fails with
 * `HostFailure` of `domain` by spec nexum-host 7.2, code 0, whose message names no address.
 */
export function serviceSender(domain: string, egress: Egress = new Egress()): SendToService {
  return async (request) => {
    const { timeoutMs, signal } = request
    try {
      return await egress.request({
        url: request.url,
        method: request.method,
        headers: request.headers ?? [],
        body: request.body ?? null,
        timeouts: { connectMs, firstByteMs: timeoutMs, betweenBytesMs: timeoutMs, totalMs: timeoutMs },
        maxResponseBytes: request.maxResponseBytes,
        permitted: everywhere,
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      const { kind } = egressFailure(domain, error).hostError
      // Not the words of the egress: they name the host.
      throw new HostFailure(domain, kind, wordsOf(kind), { cause: error })
    }
  }
}

function wordsOf(kind: HostErrorKind): string {
  switch (kind) {
    case 'timeout':
      return 'The service did not answer in time.'
    case 'invalid-input':
      return 'The answer of the service is larger than is allowed.'
    default:
      return 'The service cannot be reached.'
  }
}

/** The first value of a header. `name` in lower case. */
export function headerOf(response: EgressResponse, name: string): string | undefined {
  return response.headers.find(([each]) => each === name)?.[1]
}

/** A URL below the service's address, whose own path is kept. Segments are percent-encoded. */
export function urlBelow(base: string, ...segments: readonly string[]): URL {
  const url = new URL(base)
  const own = url.pathname.replace(/\/+$/, '')
  url.pathname = `${own}/${segments.map((segment) => encodeURIComponent(segment)).join('/')}`
  return url
}
