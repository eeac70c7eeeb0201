/** The imports of `near:agent/host`. Without a call everything is refused, empty or false (spec tools 3). */
import type { HttpAnswer, ToolHostFunction } from '../../../shared/contracts/tool.ts'
import { toolCapability } from '../../../shared/contracts/tool.ts'
import { toolHostAnswers } from '../../../shared/contracts/tool-call.ts'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import { err, implement, ok, type HostInterface } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { CallHost } from '../../programs/guest-program.ts'
import type { ActiveCall } from './active-call.ts'
import type { Diagnostics } from './diagnostics.ts'
import { hostInterface, type HttpFailure } from './interfaces.ts'

export interface HostContext {
  readonly callHost: CallHost
  /** Unix time in milliseconds. */
  readonly nowMs: () => number
  readonly diagnostics: Diagnostics
  /** The call that the instance serves; none while it is made, or asked what it is. */
  readonly call: () => ActiveCall | undefined
}

/** A refusal of the host, or an answer past the deadline. */
type Asked<T> = { readonly answer: T } | { readonly refusal: HostError['kind'] }

export function toolHost(context: HostContext): HostInterface {
  return implement(hostInterface, {
    log(level, message) {
      const call = context.call()
      if (call?.isOverdue === false) call.log(level, message)
      return undefined
    },
    nowMillis: () => BigInt(Math.max(0, Math.floor(context.nowMs()))),
    workspaceRead(path) {
      const asked = ask(context, 'workspace-read', [path])
      return ('answer' in asked ? asked.answer : null) ?? undefined
    },
    httpRequest(method, url, headersJson, body, timeoutMs) {
      const request = { method, url, headersJson, body, timeoutMs }
      const asked = askPastDeadline(context, 'http-request', [request])
      if ('refusal' in asked) return err(httpRefusal(asked.refusal))
      const { answer } = asked
      const isSent = answer.ok || answer.requestSent
      if (context.call()?.isOverdue !== false) return err(failure('client', 'deadline_exceeded', isSent))
      if (answer.ok) {
        return ok({ status: answer.status, headersJson: answer.headersJson, body: answer.body })
      }
      const { kind, code, message } = answer
      return err({ kind, code, message, requestSent: isSent })
    },
    toolInvoke(alias, paramsJson) {
      const asked = ask(context, 'tool-invoke', [alias, paramsJson])
      if ('refusal' in asked) return err(invokeRefusal(asked.refusal))
      return asked.answer.ok ? ok(asked.answer.output) : err(asked.answer.error)
    },
    secretExists(name) {
      const asked = ask(context, 'secret-exists', [name])
      return 'answer' in asked && asked.answer
    },
  })
}

interface Answers {
  readonly 'http-request': HttpAnswer
  readonly 'workspace-read': string | null
  readonly 'tool-invoke': { ok: true; output: string } | { ok: false; error: string }
  readonly 'secret-exists': boolean
}

/** Asks the engine; an answer that comes past the deadline is none. Throws for a malformed one, which is a fault of the host. */
function ask<F extends ToolHostFunction>(context: HostContext, name: F, args: unknown[]): Asked<Answers[F]> {
  const asked = askPastDeadline(context, name, args)
  return context.call()?.isOverdue === true ? { refusal: 'timeout' } : asked
}

function askPastDeadline<F extends ToolHostFunction>(
  context: HostContext,
  name: F,
  args: unknown[],
): Asked<Answers[F]> {
  const call = context.call()
  if (call === undefined) return { refusal: 'denied' }
  if (call.isOverdue) return { refusal: 'timeout' }
  // What was printed before the guest waits should not wait with it.
  call.tellPrinted(context.diagnostics, 'early')
  let answer: unknown
  try {
    answer = context.callHost(toolCapability, name, args)
  } catch (error) {
    if (error instanceof HostRefusal) return { refusal: error.hostError.kind }
    throw error
  }
  const parsed = toolHostAnswers[name].safeParse(answer)
  if (!parsed.success) throw new Error(`the engine gave a malformed answer to ${name}`)
  return { answer: parsed.data as Answers[F] }
}

function failure(kind: HttpFailure['kind'], code: string, requestSent: boolean): HttpFailure {
  return { kind, code, message: code, requestSent }
}

/** What the engine refuses without an answer of its own (spec tools 7.1). */
function httpRefusal(refusal: HostError['kind']): HttpFailure {
  switch (refusal) {
    case 'denied':
    case 'unsupported':
      return failure('executor', 'http_unavailable', false)
    case 'timeout':
      return failure('client', 'deadline_exceeded', false)
    case 'rate-limited':
      return failure('client', 'rate_limited', false)
    default:
      // Nobody knows how far the request came, and what may have been sent counts as sent.
      return failure('operation-failed', 'egress_failed', true)
  }
}

function invokeRefusal(refusal: HostError['kind']): string {
  switch (refusal) {
    case 'denied':
    case 'unsupported':
      return 'not_granted'
    case 'timeout':
      return 'deadline_exceeded'
    case 'rate-limited':
      return 'rate_limited'
    case 'unavailable':
      return 'busy'
    default:
      return 'executor'
  }
}
