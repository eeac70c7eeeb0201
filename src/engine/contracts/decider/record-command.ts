/** A command in the figures and the log of its module (spec decider 14). Payloads are never logged. */
import type { ExecutePayload, ExecutionOutcome } from '../../../shared/contracts/decider.ts'
import type { CallReply } from '../../../shared/sandbox/protocol.ts'
import type { SessionContext } from '../session.ts'

export function recordCommand(
  context: SessionContext,
  run: number,
  enqueuedAt: number,
  command: ExecutePayload,
  outcome: ExecutionOutcome,
  reply: CallReply,
): void {
  const { stats } = outcome
  const error = outcome.outcome === 'decided' ? null : outcome.failure.error
  const { durationUs, fuel, hostCalls, writes } = reply.usage
  const durationMs = durationUs / 1_000
  const now = context.clock.now()
  context.recordDispatch(
    {
      dispatch: Math.max(0, reply.id),
      run,
      startedAt: Math.max(0, Math.round(now - durationMs)),
      eventType: 'call',
      chainId: null,
      blockNumber: null,
      result: error === null ? 'committed' : 'rolled-back',
      error,
      queuedMs: Math.max(0, context.clock.monotonicMs() - enqueuedAt - durationMs),
      durationMs,
      fuel,
      hostCalls,
      writes,
    },
    reply,
  )
  if (error === null) context.onHealthy()
  const streamId = outcome.outcome === 'decided' ? outcome.streamId : (outcome.failure.streamId ?? null)
  const span = [
    `stream_id=${JSON.stringify(streamId)}`,
    `command_type=${JSON.stringify(command.type)}`,
    `decision_outcome=${outcome.outcome}`,
    ...(stats === null
      ? []
      : [
          `attempts=${stats.attempts}`,
          `replayed=${stats.replayedEvents}`,
          `snapshot=${stats.snapshotRead}`,
          `total_ms=${stats.totalMs.toFixed(2)}`,
          `append_ms=${stats.appendMs.toFixed(2)}`,
        ]),
  ].join(' ')
  const failed = outcome.outcome === 'faulted'
  context.log(
    failed ? 'warn' : 'debug',
    'decider.execute_command',
    error === null ? span : `${span}: ${error.message}`,
    error?.code,
    { eventType: 'call' },
  )
}
