/** One bounded GET, redirects followed a little, private addresses refused unless the operator named the server. */
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import { redactUrl } from '../../shared/url-redaction.ts'
import type { Egress } from '../egress/egress.ts'
import { EgressError } from '../egress/egress-error.ts'
import { everywhere, publicOnly } from '../egress/permitted-destinations.ts'
import { parseTarget } from '../egress/target.ts'
import type { EgressResponse, HeaderPair } from '../egress/types.ts'

/** Size of an archive or component that is fetched. */
export const maxContentBytes = 80 * 1024 * 1024
const timeouts = { connectMs: 10_000, firstByteMs: 30_000, betweenBytesMs: 30_000, totalMs: 300_000 }
const maxRedirects = 5

export interface GetOptions {
  readonly headers?: readonly HeaderPair[]
  readonly maxBytes?: number
  /** The operator named this server: it may be on this machine or network. */
  readonly isTrusted: boolean
  readonly signal?: AbortSignal | undefined
}

export class Fetcher {
  private readonly egress: Egress

  constructor(egress: Egress) {
    this.egress = egress
  }

  /** The body of a 200. Throws `content.unreachable`, `content.not_found`, `content.too_large`. */
  async get(address: string, options: GetOptions): Promise<Uint8Array> {
    const response = await this.exchange(address, options)
    if (response.status === 200) return response.body
    throw statusError(address, response.status)
  }

  /** Any answer but a redirect. */
  async exchange(address: string, options: GetOptions): Promise<EgressResponse> {
    let url = new URL(address)
    let headers = options.headers ?? []
    for (let step = 0; step <= maxRedirects; step += 1) {
      const response = await this.once(url, { ...options, headers })
      const location = response.headers.find(([name]) => name === 'location')?.[1]
      if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response
      const next = targetOf(location, url)
      if (next === null || (url.protocol === 'https:' && next.protocol !== 'https:')) break
      // What authorises for one server is none of another's business.
      if (next.origin !== url.origin) headers = headers.filter(([name]) => name !== 'authorization')
      url = next
    }
    throw new PaddockError(
      'content.unreachable',
      `${redactUrl(address)} redirects too often, or to what is not served.`,
    )
  }

  private async once(
    url: URL,
    { headers, isTrusted, maxBytes, signal }: GetOptions,
  ): Promise<EgressResponse> {
    try {
      return await this.egress.request({
        url,
        method: 'GET',
        headers: headers ?? [],
        body: null,
        timeouts,
        maxResponseBytes: maxBytes ?? maxContentBytes,
        permitted: isTrusted ? everywhere : publicOnly,
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (cause) {
      if (!(cause instanceof EgressError)) throw cause
      const code: ErrorCode =
        cause.kind === 'too-large'
          ? 'content.too_large'
          : cause.kind === 'cancelled'
            ? 'sandbox.cancelled'
            : 'content.unreachable'
      throw new PaddockError(code, `${redactUrl(url.href)}: ${cause.message}`, { cause })
    }
  }
}

/** Where a redirect leads; null where that is no http or https address. */
function targetOf(location: string, base: URL): URL | null {
  try {
    return parseTarget(new URL(location, base).href)
  } catch {
    return null
  }
}

function statusError(address: string, status: number): PaddockError {
  const code = status === 404 || status === 410 ? 'content.not_found' : 'content.unreachable'
  return new PaddockError(code, `${redactUrl(address)} answered ${status}.`)
}
