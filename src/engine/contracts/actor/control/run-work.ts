/** Runs one piece of work in an instance and hands its answer over (spec actors-sql 11). */
import type { Dispatch } from '../../../../shared/domain/module.ts'
import { PaddockError, toErrorReport } from '../../../../shared/errors.ts'
import type { CallReply } from '../../../../shared/sandbox/protocol.ts'
import type { ActorControl } from './actor-control.ts'
import type { ActorInstance } from './instance.ts'
import { closedFault, type WorkItem } from './work.ts'

/** The instance lives on after these. */
const harmless: readonly string[] = ['sqlite.closed', 'sandbox.cancelled']

/** Answers null, or why the instance is dead. Never rejects; the caller has its answer in any case. */
export async function runWork(
  actor: ActorControl,
  instance: ActorInstance,
  item: WorkItem,
): Promise<PaddockError | null> {
  const { clock, config, spec, figures, log } = actor.context
  const startedAt = clock.now()
  const beganMs = clock.monotonicMs()
  let result = 'ok'
  let reply: CallReply | null = null
  let failure: PaddockError | null = null
  try {
    const deadlineMs = Math.min(config.invocationMs, spec.limits.deadlineMs)
    const called = await instance.call(item.operation, item.payload, deadlineMs, item.abort.signal)
    reply = called.reply
    const { answer } = called
    if (answer.status === 'refused') {
      result = answer.error.code
      onRefused(actor, PaddockError.fromReport(answer.error))
    } else if (answer.status === 'guest-error') {
      result = `guest.${answer.error.tag}`
      if (answer.error.tag === 'internal') {
        log('warn', 'actor_internal_error', `Actor ${actor.id}: ${answer.error.message}`, 'guest.error')
      }
    }
    actor.context.onHealthy()
    item.settle(answer, called.reply)
  } catch (error) {
    failure = error instanceof PaddockError ? error : PaddockError.fromReport(toErrorReport(error))
    if (failure.code === 'sandbox.cancelled') failure = closedFault()
    result = failure.code
    item.fail(failure)
  } finally {
    item.release()
  }
  const durationMs = clock.monotonicMs() - beganMs
  if (item.operation === 'request') {
    actor.lastRequestAt = clock.now()
    actor.requests += 1
  }
  figures.count(item.operation, result, durationMs)
  actor.context.recordDispatch(
    dispatchOf(item, startedAt, beganMs, durationMs, failure, result, reply),
    reply,
  )
  return failure === null || harmless.includes(failure.code) ? null : failure
}

function onRefused(actor: ActorControl, error: PaddockError): void {
  const rule = error.details?.['rule']
  if (error.code === 'sqlite.statement_refused')
    actor.context.figures.refuse(typeof rule === 'string' ? rule : 'other')
  if (error.code === 'sqlite.corrupt') actor.context.onNotice(actor.id, error)
}

function dispatchOf(
  item: WorkItem,
  startedAt: number,
  beganMs: number,
  durationMs: number,
  failure: PaddockError | null,
  result: string,
  reply: CallReply | null,
): Dispatch {
  return {
    dispatch: 0,
    run: 0,
    startedAt,
    eventType: item.operation,
    chainId: null,
    blockNumber: null,
    result: failure !== null ? 'failed' : result === 'ok' ? 'committed' : 'rolled-back',
    error: failure?.toReport() ?? null,
    queuedMs: Math.max(0, beganMs - item.queuedAtMs),
    durationMs,
    fuel: reply?.usage.fuel ?? null,
    hostCalls: reply?.usage.hostCalls ?? 0,
    writes: reply?.usage.writes ?? 0,
  }
}
