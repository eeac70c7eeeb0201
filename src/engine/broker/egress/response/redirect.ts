/** Step 13: redirects, followed by hand (spec tools 4). */
import type { EgressResponse } from '../../../egress/types.ts'
import { Refusal } from '../failures.ts'
import type { HttpMethod } from '../request/method-and-headers.ts'
import { checkUrl, type Target } from '../request/request-url.ts'

export interface NextHop {
  readonly method: HttpMethod
  /** As it was answered. */
  readonly rawUrl: string
  readonly body: Uint8Array | undefined
  /** Only with a body. */
  readonly contentType: string | undefined
}

const withoutBody = [301, 302, 303]
const withBody = [307, 308]

/** Where the answer sends the request, or null where it is an answer like any other. */
export function nextHop(
  response: EgressResponse,
  method: HttpMethod,
  body: Uint8Array | undefined,
  contentType: string | undefined,
): NextHop | null {
  const rawUrl = response.headers.find(([name]) => name === 'location')?.[1]
  if (rawUrl === undefined) return null
  if (withoutBody.includes(response.status)) {
    return { method: 'GET', rawUrl, body: undefined, contentType: undefined }
  }
  return withBody.includes(response.status) ? { method, rawUrl, body, contentType } : null
}

/**
 * The target of a hop. `from` is the URL as the guest wrote it, before anything was injected. Throws `Refusal`
 * (`invalid_url`, `redirect_denied`).
 */
export function redirectTarget(rawUrl: string, from: Target): Target {
  const target = checkUrl(rawUrl, from.url)
  if (from.scheme === 'https' && target.scheme === 'http') {
    throw new Refusal('redirect', 'redirect_denied', 'The redirect leads from https to http.')
  }
  return target
}
