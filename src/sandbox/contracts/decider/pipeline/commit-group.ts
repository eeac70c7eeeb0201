/** Steps 13 and 15 of commands: decisions that wait share one durable commit, and what lost starts over (spec decider 4, 5, 12). */
import type { AppendOutcome } from '../../../../event-store/event-store.ts'
import type { ExecutionOutcome } from '../../../../shared/contracts/decider.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { BatchTurn } from '../../../programs/guest-program.ts'
import { decidedAnswer, recordedAnswer } from './answer.ts'
import { attempt, type Decision } from './attempt.ts'
import type { DeciderEnvironment } from './environment.ts'
import { CommandFailure, failureAnswer } from './failure.ts'
import { commandIdReused } from './locate.ts'
import { conflict, mayRetry } from './read.ts'

/** An append is never interrupted: no deadline counts while it goes on (spec decider 8). */
const appendCreditMs = 120_000

interface Waiting {
  /** Place of the call in its batch. */
  readonly index: number
  readonly decision: Decision
}

export interface CommitGroupOptions {
  readonly environment: DeciderEnvironment
  readonly turn: BatchTurn
  readonly answer: (index: number, outcome: ExecutionOutcome) => void
}

export class CommitGroup {
  private readonly options: CommitGroupOptions
  private waiting: Waiting[] = []
  private readonly streams = new Set<string>()
  private readonly commandIds = new Set<string>()

  constructor(options: CommitGroupOptions) {
    this.options = options
  }

  get size(): number {
    return this.waiting.length
  }

  /** Whether a decision for this stream, or of this command, waits to be appended. */
  concerns(streamId: string | null, commandId: string | null): boolean {
    return (
      (streamId !== null && this.streams.has(streamId)) ||
      (commandId !== null && this.commandIds.has(commandId))
    )
  }

  add(index: number, decision: Decision): void {
    this.waiting.push({ index, decision })
    this.streams.add(decision.streamId)
    const { commandId } = decision.execution.command
    if (commandId !== null) this.commandIds.add(commandId)
  }

  /** Appends everything that waits and answers it. `running` is the call that was begun last. */
  flush(running: number): void {
    const group = this.waiting
    const [first] = group
    if (first === undefined) return
    this.waiting = []
    this.streams.clear()
    this.commandIds.clear()
    const lost: Waiting[] = []
    const outcomes = this.append(group, first.index, running)
    for (const [place, each] of group.entries()) {
      if (!this.settle(each, outcomes[place])) lost.push(each)
    }
    for (const each of lost) this.startOver(each)
    this.options.turn.begin(running)
  }

  private append(group: readonly Waiting[], first: number, running: number): readonly AppendOutcome[] {
    const { environment, turn } = this.options
    turn.begin(running, appendCreditMs)
    turn.claim(first)
    const began = performance.now()
    try {
      return environment.store.appendAll(group.map(({ decision }) => decision.append))
    } catch (error) {
      // The commit failed as a whole: nothing of it happened, and nothing is acknowledged.
      const failed: AppendOutcome = { kind: 'failed', error: storeFailure(error) }
      return group.map(() => failed)
    } finally {
      const ms = performance.now() - began
      for (const { decision } of group) decision.execution.stats.appendMs += ms
    }
  }

  /** Answers the call; false when it lost and starts over. */
  private settle({ index, decision }: Waiting, outcome: AppendOutcome | undefined): boolean {
    const { environment, answer } = this.options
    const { execution, streamId } = decision
    const { command, spec, stats } = execution
    try {
      if (outcome === undefined) throw new PaddockError('internal.bug', 'An append has no outcome.')
      const result = outcome
      switch (result.kind) {
        case 'appended':
          if (result.snapshot !== 'none') stats.snapshotWrite = result.snapshot
          answer(index, decidedAnswer(environment, decision, result))
          return true
        case 'duplicate':
          answer(index, recordedAnswer(environment, result.command, stats))
          return true
        case 'conflict':
          stats.conflicts += 1
          if (
            mayRetry(spec, command.expectedRevision) &&
            stats.conflicts <= environment.policy.conflictRetries
          ) {
            return false
          }
          throw conflict(result.reason, result.head, spec, command.expectedRevision)
        case 'command-id-reused':
          throw commandIdReused(command.commandId ?? '', result.command)
        case 'failed':
          throw PaddockError.fromReport(result.error)
      }
    } catch (error) {
      answer(index, failureAnswer(environment, { type: command.type, streamId }, error, stats.snapshot()))
      return true
    }
  }

  /** From a new instance on, with a new read: what another wrote may change the decision (spec decider 5). */
  private startOver({ index, decision }: Waiting): void {
    const { environment, turn, answer } = this.options
    const { execution } = decision
    for (;;) {
      turn.begin(index)
      try {
        const again = attempt(environment, execution)
        const next = { index, decision: again }
        const [outcome] = this.append([next], index, index)
        if (this.settle(next, outcome)) return
      } catch (error) {
        const { command, streamId, stats } = execution
        answer(index, failureAnswer(environment, { type: command.type, streamId }, error, stats.snapshot()))
        return
      }
    }
  }
}

function storeFailure(error: unknown): ReturnType<PaddockError['toReport']> {
  if (error instanceof PaddockError) return error.toReport()
  if (error instanceof CommandFailure) return new PaddockError(error.code, error.message).toReport()
  const message = error instanceof Error ? error.message : String(error)
  return new PaddockError('store.io', `The events could not be appended: ${message}`).toReport()
}
