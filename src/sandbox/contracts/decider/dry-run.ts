/** A command carried out up to its append: what it would append now, or would have at a revision (spec decider 13). */
import type { DryRunPayload, ExecutionOutcome } from '../../../shared/contracts/decider.ts'
import { attempt, beginExecution, type Execution } from './pipeline/attempt.ts'
import type { DeciderEnvironment } from './pipeline/environment.ts'
import { failureAnswer } from './pipeline/failure.ts'
import { recallCommand } from './pipeline/locate.ts'
import { recordedAnswer } from './pipeline/answer.ts'
import { StatsRecorder } from './pipeline/stats.ts'

/** Nothing is written; the decision is folded too, so that what would poison the stream shows. */
export function dryRun(environment: DeciderEnvironment, payload: DryRunPayload): ExecutionOutcome {
  const stats = new StatsRecorder(() => undefined)
  const { at, ...command } = payload
  const verifying = { ...environment, policy: { ...environment.policy, verifyDecided: true } }
  let execution: Execution | undefined
  try {
    const known = at === null ? recallCommand(environment.store, command) : null
    if (known !== null) return recordedAnswer(environment, known, stats)
    execution = beginExecution(verifying, command, stats)
    const { streamId, events, observed } = attempt(verifying, execution, { at })
    return {
      outcome: 'decided',
      module: environment.descriptor.name,
      version: environment.descriptor.version,
      commandType: command.type,
      streamId,
      firstRevision: observed + 1,
      lastRevision: observed + events.length,
      lastPosition: 0,
      events: events.map((event) => ({ ...event, revision: null })),
      duplicate: false,
      stats: stats.snapshot(),
    }
  } catch (error) {
    const streamId = execution?.streamId ?? null
    return failureAnswer(environment, { type: command.type, streamId }, error, stats.snapshot())
  }
}
