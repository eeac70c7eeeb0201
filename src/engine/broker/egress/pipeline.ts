/** The way of a guest's request out and back, in the order of spec tools 4: the first step that fails ends it. */
import type { HttpAnswer } from '../../../shared/contracts/tool.ts'
import type { EgressTrace } from '../../../shared/domain/tool.ts'
import { EgressError } from '../../egress/egress-error.ts'
import type { EgressResponse, HeaderPair } from '../../egress/types.ts'
import type { CallContext, RequestRun } from './call-context.ts'
import { codeOfEgress, Failed, failureAnswer, Refusal, type FailureCode } from './failures.ts'
import type { GuestHttpRequest } from './guest-request.ts'
import { sendHop, type HopRequest } from './hop.ts'
import { checkHeaders, checkMethod } from './request/method-and-headers.ts'
import { checkBody } from './request/request-size.ts'
import type { Target } from './request/request-url.ts'
import { RequestTimer } from './request-timer.ts'
import { headersJson, visibleHeaders } from './response/response-headers.ts'
import { nextHop } from './response/redirect.ts'

/** Never throws: whatever happens is an answer (spec tools 7.1). */
export async function answerRequest(call: CallContext, guest: GuestHttpRequest): Promise<HttpAnswer> {
  const leftMs = call.deadlineAtMs - call.clock.monotonicMs()
  const times = { timeoutMs: guest.timeoutMs, maxMs: call.policy.http.timeoutMs, leftMs }
  const run: RequestRun = {
    call,
    timer: new RequestTimer(call.clock, times, call.signal),
    requestSent: false,
    notes: call.trace.begin(guest.method, guest.url, 0),
  }
  let refund = (): void => undefined
  try {
    refund = admit(call)
    const { answer, verdict } = await follow(run, guest)
    call.trace.end(run.notes, verdict)
    return answer
  } catch (error) {
    if (error instanceof Refusal && !run.requestSent) refund()
    return failed(run, error)
  } finally {
    run.timer.end()
  }
}

/** Step 1. Answers how to give the request back to the windows. Throws `Refusal` and `Failed`. */
function admit(call: CallContext): () => void {
  const { policy, account, rates } = call
  if (call.signal.aborted) throw new Failed('cancelled')
  if (isLate(call)) throw new Failed('deadline_exceeded')
  if (policy.http.allow.length === 0) {
    throw new Refusal('grant', 'http_unavailable', 'The operation was granted no HTTP rule.')
  }
  if (!account.takeRequest(policy.http.requestsPerCall)) {
    throw new Refusal(
      'rate',
      'rate_limited',
      `The call has made its ${policy.http.requestsPerCall} requests.`,
      'no further request in this call',
    )
  }
  const rate = rates.take(policy.module, policy.http.rate)
  if (rate.ok) return rate.refund
  const seconds = String(rate.waitSeconds)
  throw new Refusal('rate', 'rate_limited', `The tool's rate is used up for ${seconds} s.`, seconds)
}

interface Delivered {
  readonly answer: HttpAnswer
  readonly verdict: EgressTrace['verdict']
}

/** Steps 2 and 3, then each hop (4 to 12), redirects (13), and what comes back (14 to 17). */
async function follow(run: RequestRun, guest: GuestHttpRequest): Promise<Delivered> {
  const { call } = run
  const method = checkMethod(guest.method)
  const headers = checkHeaders(guest.headersJson)
  refuseMissingBody(call, guest)
  let hop: HopRequest = { method, rawUrl: guest.url, headers, body: guest.body, from: undefined }
  let contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  let sent = await sendHop(run, hop)
  for (let count = 1; count <= call.policy.http.maxRedirects; count++) {
    const next = nextHop(sent.response, hop.method, hop.body, contentType)
    if (next === null) break
    call.trace.end(run.notes, { kind: 'allowed', rule: run.notes.rule })
    run.notes = call.trace.begin(next.method, shownUrl(next.rawUrl, sent.target.url), count)
    contentType = next.contentType
    hop = redirected(next.method, next.rawUrl, next.body, contentType, sent.target)
    sent = await asRedirect(sendHop(run, hop))
  }
  const answer = await deliver(run, sent.response)
  return { answer, verdict: { kind: 'allowed', rule: run.notes.rule } }
}

/** A body whose rest nobody wanted is too long, and is never sent in part. */
function refuseMissingBody({ policy }: CallContext, { body, bodyBytes = 0 }: GuestHttpRequest): void {
  const hasAll = bodyBytes <= (body?.length ?? 0)
  if (hasAll) return
  checkBody(bodyBytes, policy.http.maxRequestBytes)
  throw new Failed('egress_failed')
}

/** No header of the guest and no credential crosses a hop. */
function redirected(
  method: HopRequest['method'],
  rawUrl: string,
  body: Uint8Array | undefined,
  contentType: string | undefined,
  from: Target,
): HopRequest {
  const headers: HeaderPair[] = contentType === undefined ? [] : [['content-type', contentType]]
  return { method, rawUrl, headers, body, from }
}

/** A location may be relative. */
function shownUrl(rawUrl: string, from: URL): string {
  try {
    return new URL(rawUrl, from).href
  } catch {
    return rawUrl
  }
}

/** What refuses a hop refuses the redirect. */
async function asRedirect<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'request_too_large') throw error
    throw new Refusal(error.step, 'redirect_denied', error.message)
  }
}

/** Steps 15 to 17. */
async function deliver(run: RequestRun, response: EgressResponse): Promise<HttpAnswer> {
  const { call, timer, notes } = run
  const headers = visibleHeaders(response.headers)
  const scanned = await timer.within(call.scanner.redactResponse({ headers, body: response.body }))
  if (scanned.kind === 'blocked') throw new Failed('response_leak_blocked')
  notes.redactions = scanned.redactions
  if (isLate(call)) throw new Failed('deadline_exceeded')
  return { ok: true, status: response.status, headersJson: headersJson(scanned.headers), body: scanned.body }
}

function failed(run: RequestRun, error: unknown): HttpAnswer {
  const { call, notes, requestSent } = run
  if (error instanceof Refusal) {
    call.trace.end(notes, { kind: 'refused', step: error.step, code: error.code, reason: error.message })
    return failureAnswer(error.code, requestSent, error.text)
  }
  const known = codeOf(error, run)
  const code = known !== 'cancelled' && isLate(call) ? 'deadline_exceeded' : known
  call.trace.end(notes, { kind: 'failed', rule: notes.rule, code })
  return failureAnswer(code, requestSent)
}

function codeOf(error: unknown, { timer }: RequestRun): FailureCode {
  if (error instanceof Failed) return error.code
  if (!(error instanceof EgressError)) return 'egress_failed'
  return error.kind === 'cancelled' ? timer.cause : codeOfEgress[error.kind]
}

function isLate({ clock, deadlineAtMs }: CallContext): boolean {
  return clock.monotonicMs() >= deadlineAtMs
}
