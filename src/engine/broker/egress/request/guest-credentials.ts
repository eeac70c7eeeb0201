/** Step 7: a guest brings no credentials of its own (spec tools 4). */
import type { HeaderPair } from '../../../egress/types.ts'
import { Refusal } from '../failures.ts'

export const credentialHeaderNames: ReadonlySet<string> = new Set([
  'authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key', 'x-auth-token', 'x-token',
  'x-access-token', 'x-session-token', 'x-csrf-token', 'x-secret', 'x-api-secret',
]) // prettier-ignore
const headerWords = ['auth', 'token', 'secret', 'credential', 'password']
const schemes = ['bearer ', 'basic ', 'token ', 'digest ', 'hoba ', 'mutual ', 'aws4-hmac-sha256 ']

const queryNames: ReadonlySet<string> = new Set([
  'api_key', 'apikey', 'api-key', 'access_token', 'token', 'key', 'secret', 'password', 'auth', 'auth_token',
  'session_token', 'client_secret', 'client_id', 'app_key', 'app_secret', 'sig', 'signature',
]) // prettier-ignore
const queryWords = ['token', 'secret', 'auth', 'password', 'credential']

/** Names of the next page, by their exact spelling. */
const paginationNames: ReadonlySet<string> = new Set([
  'pageToken', 'page_token', 'nextPageToken', 'next_page_token', 'continuationToken', 'continuation_token',
  'syncToken',
]) // prettier-ignore

/** Throws `Refusal` (`manual_credentials_denied`). */
export function refuseGuestCredentials(headers: readonly HeaderPair[], url: URL): void {
  for (const [name, value] of headers) {
    if (isCredentialHeader(name)) throw refused(`The header ${name} is one for credentials.`)
    const start = value.trimStart().toLowerCase()
    if (schemes.some((scheme) => start.startsWith(scheme))) {
      throw refused(`The value of the header ${name} begins as a credential does.`)
    }
  }
  for (const name of url.searchParams.keys()) {
    if (isCredentialQuery(name)) throw refused(`The query has a name for credentials.`)
  }
}

function isCredentialHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return credentialHeaderNames.has(lower) || headerWords.some((word) => lower.includes(word))
}

function isCredentialQuery(name: string): boolean {
  if (paginationNames.has(name)) return false
  const lower = name.toLowerCase()
  return queryNames.has(lower) || queryWords.some((word) => lower.includes(word))
}

function refused(reason: string): Refusal {
  return new Refusal('guest-credentials', 'manual_credentials_denied', reason)
}
