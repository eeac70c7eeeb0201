/** A request of the guest: its body goes to the engine in parts, and the answer's is put together here. */
import type { HttpFailureAnswer } from '../../../shared/contracts/tool.ts'
import { bodyPartBytes, partAt, type HttpHead } from '../../../shared/contracts/tool-body.ts'
import { maxHostTexts } from '../../../shared/contracts/tool-call.ts'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import { askPastDeadline, malformed, type HostContext } from './asking.ts'
import type { HttpFailure } from './interfaces.ts'

interface GuestRequest {
  readonly method: string
  readonly url: string
  readonly headersJson: string
  readonly body: Uint8Array | undefined
  readonly timeoutMs: number | undefined
}

interface GuestAnswer {
  readonly status: number
  readonly headersJson: string
  readonly body: Uint8Array
}

type Outcome = { readonly answer: GuestAnswer } | { readonly failure: HttpFailure }

/** Throws for an answer that is malformed, which is a fault of the host. */
export function requestHttp(context: HostContext, request: GuestRequest): Outcome {
  const { method, url, headersJson, body, timeoutMs } = request
  const rest = sendBody(context, body)
  const sent = {
    method: method.slice(0, maxHostTexts.method),
    url: url.slice(0, maxHostTexts.url),
    headersJson: headersJson.slice(0, maxHostTexts.headers),
    ...(rest === undefined ? {} : { body: rest }),
    bodyBytes: body?.byteLength ?? 0,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
  const asked = askPastDeadline(context, 'http-request', [sent])
  if ('refusal' in asked) return { failure: refusal(asked.refusal) }
  const head = asked.answer
  const isSent = head.ok || head.requestSent
  if (isOverdue(context)) return { failure: failureOf('client', 'deadline_exceeded', isSent) }
  return head.ok ? assemble(context, head) : { failure: told(head) }
}

/** Sends all parts but the last, which it answers; none when the engine wants no more of it. */
function sendBody(context: HostContext, body: Uint8Array | undefined): Uint8Array | undefined {
  if (body === undefined) return undefined
  let from = 0
  for (; body.byteLength - from > bodyPartBytes; from += bodyPartBytes) {
    const asked = askPastDeadline(context, 'send-body', [partAt(body, from)])
    // The request itself tells the guest why.
    if (!('answer' in asked) || !asked.answer) return undefined
  }
  return partAt(body, from)
}

function assemble(context: HostContext, head: Extract<HttpHead, { ok: true }>): Outcome {
  const { status, headersJson, bodyBytes } = head
  if (head.body.byteLength >= bodyBytes) return { answer: { status, headersJson, body: head.body } }
  const body = new Uint8Array(bodyBytes)
  body.set(head.body)
  for (let read = head.body.byteLength; read < bodyBytes;) {
    const asked = askPastDeadline(context, 'read-body', [read])
    if ('refusal' in asked) return { failure: { ...refusal(asked.refusal), requestSent: true } }
    if (isOverdue(context)) return { failure: failureOf('client', 'deadline_exceeded', true) }
    if (!asked.answer.ok) return { failure: told(asked.answer) }
    const { part } = asked.answer
    if (part.byteLength === 0 || read + part.byteLength > bodyBytes) throw malformed('read-body')
    body.set(part, read)
    read += part.byteLength
  }
  return { answer: { status, headersJson, body } }
}

function isOverdue(context: HostContext): boolean {
  return context.call()?.isOverdue !== false
}

function told({ kind, code, message, requestSent }: HttpFailureAnswer): HttpFailure {
  return { kind, code, message, requestSent }
}

function failureOf(kind: HttpFailure['kind'], code: string, requestSent: boolean): HttpFailure {
  return { kind, code, message: code, requestSent }
}

/** What the engine refuses without an answer of its own (spec tools 7.1). */
function refusal(kind: HostError['kind']): HttpFailure {
  switch (kind) {
    case 'denied':
    case 'unsupported':
      return failureOf('executor', 'http_unavailable', false)
    case 'timeout':
      return failureOf('client', 'deadline_exceeded', false)
    case 'rate-limited':
      return failureOf('client', 'rate_limited', false)
    default:
      // Nobody knows how far the request came, and what may have been sent counts as sent.
      return failureOf('operation-failed', 'egress_failed', true)
  }
}
