/** A prepared call on a guest thread: a fresh instance, its answer, and what may be handed on of it (spec tools 8). */
import {
  toolAnswerSchema,
  type InvokeAnswer,
  type ToolAnswer,
} from '../../../../shared/contracts/tool-call.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../../shared/errors.ts'
import type { CallReply } from '../../../../shared/sandbox/protocol.ts'
import type { Clock } from '../../../clock.ts'
import type { BrokeredCall } from '../broker.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import type { RunnerProcess } from '../runners/runner-process.ts'
import type { RunnerThread } from '../runners/runner-thread.ts'
import { executePayload } from '../declaration.ts'
import { executionFault, faults, guestFault, type Fault } from './faults.ts'
import type { CallGrants } from './policy.ts'
import type { PreparedTool } from './prepared-tools.ts'
import { RunningCall, stopGraceMs } from './running-call.ts'

/** The sandbox's own watchdog ends what nobody else did, this long after the deadline and its grace. */
const watchdogSlackMs = 1_000

/** How a call ended: with its output, or why not. */
export type Ending =
  | { readonly output: string; readonly fault?: undefined }
  | { readonly fault: Fault; readonly output?: undefined }

export interface ToExecute {
  readonly operation: { readonly id: string }
  readonly params: string
  readonly timeoutMs: number
}

export interface Execution {
  readonly pool: RunnerPool
  readonly clock: Clock
  readonly prepared: PreparedTool
  readonly request: ToExecute
  readonly grants: CallGrants
  readonly isLeaving: () => boolean
  readonly open: () => Promise<BrokeredCall>
  readonly invoke: (alias: string, params: string) => Promise<InvokeAnswer>
  /** A guest acts from now on; answers what ends the clock of its deadline. */
  readonly onBegin: (running: RunningCall) => () => void
  readonly onWallTime: (wallMs: number) => void
  readonly onOutput: (bytes: number) => void
  /** Why there is no answer, for the log; the caller is told fixed words. */
  readonly onLost: (error: ErrorReport) => void
}

/** Runs it, once more on another process when the first had no memory for an instance (spec tools 9). */
export async function executeCall(execution: Execution): Promise<Ending> {
  const { clock, grants, invoke, onBegin, onWallTime } = execution
  let first: RunnerThread
  try {
    first = await acquire(execution)
  } catch (thrown) {
    const report = toErrorReport(thrown)
    execution.onLost(report)
    return { fault: executionFault(report) }
  }
  let thread: RunnerThread | undefined = first
  let endClock = (): void => undefined
  try {
    if (execution.isLeaving()) return { fault: faults.cancelled }
    const brokered = await execution.open()
    if (execution.isLeaving()) return { fault: faults.cancelled }
    const running = new RunningCall({ clock, grants, brokered, invoke })
    endClock = onBegin(running)
    const began = clock.monotonicMs()
    try {
      let answered = await attempt(execution, running, first)
      if (hadNoMemory(answered.reply)) {
        thread = undefined
        await execution.pool.release(first, false)
        await execution.pool.recycleIdle()
        thread = await acquire(execution, first.process).catch(() => undefined)
        if (thread === undefined) return { fault: faults.noMemory }
        answered = await attempt(execution, running, thread)
      }
      onWallTime(Math.max(0.001, clock.monotonicMs() - began))
      const isSound = answered.reply?.outcome.status === 'ok'
      const served = thread
      thread = undefined
      await execution.pool.release(served, isSound)
      return answered.reply === undefined
        ? { fault: faults.lost }
        : await judge(execution, brokered, answered.reply, answered.answer)
    } finally {
      endClock()
    }
  } finally {
    if (thread !== undefined) await execution.pool.release(thread, !thread.isBusy)
  }
}

function acquire({ pool, prepared }: Execution, besides?: RunnerProcess): Promise<RunnerThread> {
  const { key, spec } = prepared
  return pool.acquire({ key, digest: key, spec }, besides)
}

interface Answered {
  /** None when the runner was lost. */
  readonly reply: CallReply | undefined
  readonly answer: ToolAnswer | undefined
}

async function attempt(execution: Execution, running: RunningCall, thread: RunnerThread): Promise<Answered> {
  const { prepared, request } = execution
  const { operation, params, timeoutMs } = request
  let reply: CallReply
  try {
    reply = await running.run(thread, {
      operation: 'execute',
      payload: executePayload(operation.id, params),
      fuel: prepared.spec.limits.fuelPerCall,
      deadlineMs: timeoutMs + stopGraceMs + watchdogSlackMs,
    })
  } catch (error) {
    execution.onLost(toErrorReport(error))
    return { reply: undefined, answer: undefined }
  }
  const parsed = reply.outcome.status === 'ok' ? toolAnswerSchema.safeParse(reply.outcome.value) : undefined
  const answer = parsed?.success === true ? parsed.data : undefined
  // A thread that failed is ended, and everything it said has come by then.
  await (answer === undefined ? thread.destroy() : running.allLogged(thread, answer.logged))
  return { reply, answer }
}

function hadNoMemory(reply: CallReply | undefined): boolean {
  return reply?.outcome.status === 'failed' && reply.outcome.error.code === 'tool.no_memory'
}

async function judge(
  { onOutput, onLost }: Execution,
  brokered: BrokeredCall,
  { outcome }: CallReply,
  answer: ToolAnswer | undefined,
): Promise<Ending> {
  if (outcome.status === 'failed') {
    const fault = executionFault(outcome.error)
    if (fault.kind === 'executor') onLost(outcome.error)
    return { fault }
  }
  if (answer === undefined) {
    onLost(new PaddockError('sandbox.protocol', `The guest thread answered ${outcome.status}.`).toReport())
    return { fault: faults.lost }
  }
  if (answer.tag === 'refused') {
    const code = answer.kind === 'input_encode' ? 'invalid_params' : 'output_too_large'
    return { fault: { kind: answer.kind, code, message: answer.message, isGuestText: true } }
  }
  const { response } = answer
  if (response.tag === 'failure') return { fault: guestFault(response) }
  onOutput(Buffer.byteLength(response.output))
  const verdict = await brokered.scanOutput(response.output).catch((error: unknown) => {
    if (error instanceof PaddockError) return { kind: 'lost' as const }
    throw error
  })
  switch (verdict.kind) {
    case 'passed':
      return { output: verdict.text }
    case 'blocked':
      return { fault: faults.outputBlocked }
    case 'not-json':
      return { fault: faults.outputNotJson }
    case 'lost':
      return { fault: faults.host }
  }
}
