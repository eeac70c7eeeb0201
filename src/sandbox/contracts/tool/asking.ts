/** How the host functions of a call ask the engine (spec tools 3). */
import { toolCapability, type ToolHostFunction } from '../../../shared/contracts/tool.ts'
import type { BodyPartAnswer, HttpHead } from '../../../shared/contracts/tool-body.ts'
import { toolHostAnswers, type InvokeAnswer } from '../../../shared/contracts/tool-call.ts'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { CallHost } from '../../programs/guest-program.ts'
import type { ActiveCall } from './active-call.ts'
import type { Diagnostics } from './diagnostics.ts'

export interface HostContext {
  readonly callHost: CallHost
  /** Unix time in milliseconds. */
  readonly nowMs: () => number
  readonly diagnostics: Diagnostics
  /** The call that the instance serves; none while it is made, or asked what it is. */
  readonly call: () => ActiveCall | undefined
}

interface Answers {
  readonly 'http-request': HttpHead
  readonly 'send-body': boolean
  readonly 'read-body': BodyPartAnswer
  readonly 'workspace-read': string | null
  readonly 'tool-invoke': InvokeAnswer
  readonly 'secret-exists': boolean
}

/** A refusal of the host, or an answer past the deadline. */
type Asked<T> = { readonly answer: T } | { readonly refusal: HostError['kind'] }

/** Asks the engine; an answer that comes past the deadline is none. Throws for a malformed one, which is a fault of the host. */
export function ask<F extends ToolHostFunction>(
  context: HostContext,
  name: F,
  args: unknown[],
): Asked<Answers[F]> {
  const asked = askPastDeadline(context, name, args)
  return context.call()?.isOverdue === true ? { refusal: 'timeout' } : asked
}

/** As `ask`, with an answer that comes too late. */
export function askPastDeadline<F extends ToolHostFunction>(
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
  if (!parsed.success) throw malformed(name)
  return { answer: parsed.data as Answers[F] }
}

export function malformed(name: ToolHostFunction): Error {
  return new Error(`the engine gave a malformed answer to ${name}`)
}
