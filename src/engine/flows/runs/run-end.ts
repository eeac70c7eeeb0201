/** How a run ended, whatever ended it, as one `FlowEnd`. */
import {
  flowEndSchema,
  type FlowEnd,
  type FlowFailure,
  type FlowFigures,
} from '../../../shared/contracts/flow.ts'
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import type { CallReply } from '../../../shared/sandbox/protocol.ts'
import { lostFigures } from '../figures/empty-figures.ts'

/** What made the run end from our side; the first wins (spec flows 7.3). */
export type EndReason =
  | { readonly kind: 'none' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly node: string | null; readonly error: ErrorReport }

export interface RunEnd {
  readonly end: FlowEnd
  /** The thread or the process was lost, and the figures are the last ones told. */
  readonly wasLost: boolean
}

/** The end as the program told it, or as it must be told of one that is gone. Pure. */
export function endOf(reply: CallReply | PaddockError, reason: EndReason, last: FlowFigures): RunEnd {
  const told = reply instanceof PaddockError ? null : toldEnd(reply)
  if (told !== null && told.state !== 'failed' && reason.kind === 'failed') {
    const { node, error } = reason
    return { wasLost: false, end: { ...told, ...failed(failureOf(error, node), told.figures) } }
  }
  if (told !== null) return { wasLost: false, end: told }
  if (reason.kind === 'cancelled') {
    const figures = lostFigures(last, 'cancelled')
    return { wasLost: true, end: { state: 'cancelled', failure: null, figures, leaked: 0 } }
  }
  const failure =
    reason.kind === 'failed' ? failureOf(reason.error, reason.node) : lossFailure(lossOf(reply), last)
  return { wasLost: true, end: { leaked: 0, ...failed(failure, lostFigures(last, 'failed')) } }
}

function failed(failure: FlowFailure, figures: FlowFigures): Pick<FlowEnd, 'state' | 'failure' | 'figures'> {
  return { state: 'failed', failure, figures: { ...figures, state: 'failed' } }
}

function toldEnd({ outcome }: CallReply): FlowEnd | null {
  if (outcome.status !== 'ok') return null
  const parsed = flowEndSchema.safeParse(outcome.value)
  return parsed.success ? parsed.data : null
}

/** Why there is no end from the program. */
function lossOf(reply: CallReply | PaddockError): ErrorReport {
  if (reply instanceof PaddockError) return reply.toReport()
  const { outcome } = reply
  if (outcome.status === 'failed') return outcome.error
  const message =
    outcome.status === 'guest-error'
      ? outcome.error.message
      : 'The program of the flow answered what is no end.'
  return new PaddockError('sandbox.protocol', message).toReport()
}

/** A stage that was ended by the watchdog is named; what else took the process is the flow's own loss. */
function lossFailure(error: ErrorReport, last: FlowFigures): FlowFailure {
  if (error.code === 'stage.timeout') {
    const node = error.details?.['node']
    const name = typeof node === 'string' ? node : null
    const calls = last.nodes.find((each) => each.name === name)?.invocations ?? null
    return { node: name, function: null, sequence: calls, case: 'deadline-exceeded', error }
  }
  const lost = new PaddockError('flow.lost', `The process of the flow was lost: ${error.message}`, {
    remedy: error.remedy,
    details: { ...error.details, cause: error.code },
  })
  return failureOf(lost.toReport(), null)
}

function failureOf(error: ErrorReport, node: string | null): FlowFailure {
  return { node, function: null, sequence: null, case: 'fatal', error }
}

/** Whether elements were dropped on the way out. */
export function wasCutShort({ nodes }: FlowFigures): boolean {
  return nodes.some(({ dropped }) => (dropped['drain'] ?? 0) > 0)
}

/** Why a flow could not be started, as its failure. */
export function startFailure(error: ErrorReport): FlowFailure {
  return failureOf(error, null)
}
