/** Step 11: credentials enter the request (spec tools 4). What this answers is plain text: it goes to the transport only. */
import type { HttpRule } from '../../../../shared/contracts/tool.ts'
import { parseAddress } from '../../../egress/address-ranges.ts'
import type { HeaderPair } from '../../../egress/types.ts'
import type { StagedSecret } from '../../secrets/types.ts'
import { Refusal } from '../failures.ts'
import type { Target } from '../request/request-url.ts'
import { headerOf } from './select.ts'
import { injectIntoPath } from './inject-path.ts'

export interface InjectedRequest {
  readonly url: URL
  readonly headers: readonly HeaderPair[]
}

/** Throws `Refusal` (`policy_denied`, `manual_credentials_denied`, `credential_unavailable`, `invalid_url`). */
export function injectCredentials(
  target: Target,
  rule: HttpRule,
  headers: readonly HeaderPair[],
  staged: readonly StagedSecret[],
): InjectedRequest {
  if (staged.length > 0) checkTransport(target, rule)
  const url = new URL(target.url.href)
  const added: HeaderPair[] = []
  for (const each of staged) {
    const header = headerOf(each.rule.inject)
    if (header === null) injectIntoUrl(url, each)
    else added.push(headerPair(header, headers, each))
  }
  if (url.origin !== target.url.origin) throw refused('policy_denied', 'The credential changes the host.')
  return { url, headers: [...headers, ...added] }
}

/** Over TLS, or to this very machine where the declaration names it literally. */
function checkTransport({ scheme, host }: Target, rule: HttpRule): void {
  if (scheme === 'https' || (isLoopback(host) && !rule.host.startsWith('*.'))) return
  throw refused('policy_denied', 'Credentials are sent over https only.')
}

function isLoopback(host: string): boolean {
  const bytes = parseAddress(host)
  if (bytes === null) return host === 'localhost'
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, at) => byte === (at === 15 ? 1 : 0))
}

function headerPair(name: string, headers: readonly HeaderPair[], { rule, value }: StagedSecret): HeaderPair {
  if (headers.some(([given]) => given.toLowerCase() === name)) {
    throw refused('manual_credentials_denied', `The header ${name} is the credential's own.`)
  }
  const text = value.toString('utf8')
  if (!isPrintable(text))
    throw refused('credential_unavailable', `${rule.secret} has a character no header takes.`)
  return [name, headerValue(rule.inject, text)]
}

function headerValue(inject: StagedSecret['rule']['inject'], text: string): string {
  if (inject.type === 'header') {
    if (!isPrintable(inject.prefix))
      throw refused('policy_denied', 'The prefix of the credential is no header text.')
    return `${inject.prefix}${text}`
  }
  if (inject.type !== 'basic') return `Bearer ${text}`
  if (inject.username.includes(':'))
    throw refused('policy_denied', 'The user name of the credential has a colon.')
  return `Basic ${Buffer.from(`${inject.username}:${text}`, 'utf8').toString('base64')}`
}

function injectIntoUrl(url: URL, { rule, value }: StagedSecret): void {
  const { inject } = rule
  const text = value.toString('utf8')
  // Bytes that are no UTF-8 would arrive as others, and would not be found in an answer.
  if (!Buffer.from(text, 'utf8').equals(value)) {
    throw refused('credential_unavailable', `${rule.secret} is no text.`)
  }
  if (inject.type === 'path') {
    injectIntoPath(url, inject.placeholder, text, rule.secret)
  } else if (inject.type === 'query') {
    if (url.searchParams.has(inject.name)) {
      throw refused('manual_credentials_denied', `The query name ${inject.name} is the credential's own.`)
    }
    // Appended by hand: the parser would write the guest's own part anew.
    const pair = `${encodeURIComponent(inject.name)}=${encodeURIComponent(text)}`
    url.search = url.search.length > 1 ? `${url.search}&${pair}` : `?${pair}`
  }
}

/** What both HTTP and every server take as it is. */
function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function refused(
  code: 'policy_denied' | 'manual_credentials_denied' | 'credential_unavailable',
  reason: string,
) {
  return new Refusal('injection', code, reason)
}
