/** Step 5: the URL of a guest's request (spec tools 4). */
import { EgressError } from '../../../egress/egress-error.ts'
import { bareHost, parseTarget, portOf } from '../../../egress/target.ts'
import { Refusal } from '../failures.ts'

const maxUrlBytes = 8 * 1_024

export interface Target {
  /** Without fragment; never with user-info. */
  readonly url: URL
  readonly scheme: 'https' | 'http'
  /** Lower case, an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
}

/** Throws `Refusal` (`invalid_url`). */
export function checkUrl(text: string, base?: URL): Target {
  if (text.length > maxUrlBytes || Buffer.byteLength(text) > maxUrlBytes)
    throw refused('The URL has more than 8 KiB.')
  // The parser would drop line breaks and tabs without a word.
  if (/[\x00-\x1f\x7f]/.test(text)) throw refused('The URL has a control character.')
  const absolute = base === undefined ? text : resolved(text, base)
  if (hasUserInfo(absolute)) throw refused('The URL names a user.')
  try {
    const url = parseTarget(absolute)
    return {
      url,
      scheme: url.protocol === 'https:' ? 'https' : 'http',
      host: bareHost(url),
      port: portOf(url),
    }
  } catch (error) {
    throw refused(error instanceof EgressError ? error.message : 'The URL is not an absolute URL.')
  }
}

function resolved(text: string, base: URL): string {
  try {
    return new URL(text, base).href
  } catch {
    throw refused('The URL is no URL.')
  }
}

function hasUserInfo(text: string): boolean {
  try {
    const url = new URL(text)
    return url.username !== '' || url.password !== ''
  } catch {
    return false
  }
}

function refused(reason: string): Refusal {
  return new Refusal('url', 'invalid_url', reason)
}
