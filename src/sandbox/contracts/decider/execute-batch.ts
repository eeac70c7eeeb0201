/** Commands that wait at the same time: each decided against committed state, then all appended at once (spec decider 12). */
import type { ExecutePayload, ExecutionOutcome } from '../../../shared/contracts/decider.ts'
import type { BatchTurn } from '../../programs/guest-program.ts'
import { recordedAnswer } from './pipeline/answer.ts'
import { attempt, beginExecution, type Execution } from './pipeline/attempt.ts'
import { CommitGroup } from './pipeline/commit-group.ts'
import type { DeciderEnvironment } from './pipeline/environment.ts'
import { failureAnswer } from './pipeline/failure.ts'
import { recallCommand } from './pipeline/locate.ts'
import { StatsRecorder } from './pipeline/stats.ts'

/** Nobody waits longer than this for others to share a commit, in milliseconds. */
const patienceMs = 20

export interface BatchHooks {
  readonly turn: BatchTurn
  readonly answer: (index: number, outcome: ExecutionOutcome) => void
}

/** Answers every command, in whatever order they end. */
export function executeBatch(
  environment: DeciderEnvironment,
  commands: readonly ExecutePayload[],
  hooks: BatchHooks,
): void {
  const { turn, answer } = hooks
  const group = new CommitGroup({ environment, ...hooks })
  let began = performance.now()
  for (const [index, command] of commands.entries()) {
    turn.begin(index)
    const stats = new StatsRecorder(() => turn.begin(index))
    let execution: Execution | undefined
    try {
      if (group.concerns(null, command.commandId)) group.flush(index)
      const known = recallCommand(environment.store, command)
      if (known !== null) {
        answer(index, recordedAnswer(environment, known, stats))
        continue
      }
      execution = beginExecution(environment, command, stats)
      const decision = attempt(environment, execution, {
        beforeRead: (streamId) => {
          if (group.concerns(streamId, null)) group.flush(index)
        },
      })
      if (group.size === 0) began = performance.now()
      group.add(index, decision)
      if (performance.now() - began > patienceMs) group.flush(index)
    } catch (error) {
      const streamId = execution?.streamId ?? null
      answer(index, failureAnswer(environment, { type: command.type, streamId }, error, stats.snapshot()))
    }
  }
  group.flush(commands.length - 1)
}
