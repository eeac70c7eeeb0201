/** Steps 4 to 12 (spec tools 4): one request to one host, the guest's own or a redirect's. */
import { EgressError } from '../../egress/egress-error.ts'
import type { EgressResponse, HeaderPair } from '../../egress/types.ts'
import type { StagedSecret } from '../secrets/types.ts'
import { injectCredentials, type InjectedRequest } from './credentials/inject.ts'
import { stageCredentials } from './credentials/select.ts'
import type { RequestRun } from './call-context.ts'
import { vetAddresses, type VettedHost } from './request/address.ts'
import { checkAllowlist, ruleText } from './request/allowlist.ts'
import { refuseGuestCredentials } from './request/guest-credentials.ts'
import type { HttpMethod } from './request/method-and-headers.ts'
import { checkBody, countedBytes } from './request/request-size.ts'
import { scanRequest } from './request/request-scan.ts'
import { checkUrl, type Target } from './request/request-url.ts'
import { redirectTarget } from './response/redirect.ts'

const mebibyte = 1_048_576
const connectMs = 10_000

/** What the host sends where the guest says nothing; some servers refuse requests without. */
const defaultHeaders: readonly HeaderPair[] = [
  ['accept', '*/*'],
  ['user-agent', 'paddock'],
]

export interface HopRequest {
  readonly method: HttpMethod
  /** As the guest or the redirecting server wrote it. */
  readonly rawUrl: string
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array | undefined
  /** What redirected here; undefined for the guest's own request. */
  readonly from: Target | undefined
}

export interface SentHop {
  readonly target: Target
  readonly response: EgressResponse
}

/** Throws `Refusal`, `EgressError`. */
export async function sendHop(run: RequestRun, hop: HopRequest): Promise<SentHop> {
  const { call, timer, notes } = run
  const { policy } = call
  const { method, rawUrl, body, from } = hop
  const headers = withDefaults(hop.headers)
  const bodyBytes = body?.length ?? 0
  const weigh = (url: string, all: readonly HeaderPair[]): number =>
    countedBytes({ method, url, headers: all, bodyBytes })
  // 4
  checkBody(bodyBytes, policy.http.maxRequestBytes)
  const held = call.sum.hold(weigh(rawUrl, headers))
  try {
    // 5, and the scheme of step 13
    const target = from === undefined ? checkUrl(rawUrl) : redirectTarget(rawUrl, from)
    // 6
    const rule = checkAllowlist(policy.http.allow, method, target)
    notes.rule = ruleText(rule, method)
    // 7
    if (from === undefined) refuseGuestCredentials(hop.headers, target.url)
    // 8
    await timer.within(scanRequest(call.scanner, { rawUrl, url: target.url, headers: hop.headers, body }))
    // 9
    const staged = from === undefined ? stage(run, target) : []
    // 10
    const host = await vetAddresses(call.egress, target, policy.permittedPrivate, timer.signal)
    // 11
    const injected = injectCredentials(target, rule, headers, staged)
    notes.injected = staged.map((each) => each.rule.secret)
    const weight = weigh(injected.url.href, injected.headers)
    held.change(weight)
    // 12
    return { target, response: await transmit(run, hop, host, injected, weight) }
  } catch (error) {
    if (notes.requestBytes === 0) held.giveBack()
    throw error
  }
}

function stage({ call }: RequestRun, target: Target): readonly StagedSecret[] {
  return stageCredentials(call.lease, call.policy.credentials, target, (missing) => {
    for (const name of missing) call.account.missingSecrets.add(name)
  })
}

/** Steps 12, 14 and 17: sends, reads up to the cap, and counts what was sent, however it ends. */
async function transmit(
  run: RequestRun,
  { method, body }: HopRequest,
  { destination, permitted }: VettedHost,
  { url, headers }: InjectedRequest,
  weight: number,
): Promise<EgressResponse> {
  const { call, timer, notes } = run
  const { policy, account } = call
  // The timer of the request ends the exchange and says why: but for the connection no limit comes before it.
  const laterMs = timer.leftMs() + connectMs
  let isSent = false
  try {
    const response = await call.egress.send(destination, {
      url,
      method,
      headers,
      body: body ?? null,
      timeouts: { connectMs, firstByteMs: laterMs, betweenBytesMs: laterMs, totalMs: laterMs },
      maxResponseBytes: Math.min(
        policy.http.maxResponseBytes,
        10 * mebibyte,
        Math.floor(policy.memoryBytes / 4),
      ),
      permitted,
      signal: timer.signal,
      // One profile in each engine: the tool is the scope.
      pool: policy.module,
      observer: {
        onPeer: (address) => void (notes.peer = address),
        onReceived: (bytes) => {
          notes.responseBytes += bytes
          account.bytesIn += bytes
        },
      },
    })
    isSent = true
    notes.status = response.status
    account.lastStatus = response.status
    return response
  } catch (error) {
    isSent = error instanceof EgressError && error.requestSent
    throw error
  } finally {
    if (isSent) {
      run.requestSent = true
      notes.requestBytes = weight
      account.sent(body?.length ?? 0, weight)
    }
  }
}

function withDefaults(headers: readonly HeaderPair[]): HeaderPair[] {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  return [...headers, ...defaultHeaders.filter(([name]) => !names.has(name))]
}
