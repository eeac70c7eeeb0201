/** What every check works with, and how it tells what it found. */
import { isDeepStrictEqual } from 'node:util'
import type { CheckAnswer, CheckStep, Observation } from '../../../../../shared/contracts/decider-check.ts'
import type { DeciderDescriptor } from '../../../../../shared/contracts/decider.ts'
import type { CheckCase } from '../cases.ts'
import type { ScriptPlayer } from '../script-runner.ts'
import type { Suite } from '../suite.ts'
import { show, showAnswer, type CheckFinding, type CheckVerdict } from '../verdict.ts'

export interface CheckContext {
  readonly runner: ScriptPlayer
  readonly descriptor: DeciderDescriptor
  readonly suite: Suite | null
  readonly cases: readonly CheckCase[]
  /** In [0, 1); the same for the same seed, so that a failure can be seen again. */
  readonly random: () => number
  /** Whether a missing scenario fails the coverage check. */
  readonly strict: boolean
}

export type Check = (context: CheckContext) => Promise<CheckVerdict>

export function answersOf(observations: readonly Observation[]): CheckAnswer[] {
  return observations.map(({ answer }) => answer)
}

export function trapIn(
  observations: readonly Observation[],
): Extract<CheckAnswer, { is: 'trap' }> | undefined {
  for (const { answer } of observations) if (answer.is === 'trap') return answer
  return undefined
}

export function same(first: unknown, second: unknown): boolean {
  return isDeepStrictEqual(first, second)
}

export function finding(
  checked: CheckCase,
  message: string,
  results: Readonly<Record<string, CheckAnswer | undefined>>,
): CheckFinding {
  return {
    message: `${checked.name}: ${message}`,
    reproduction: {
      case: checked.name,
      history: checked.history.map(show),
      command: checked.command === null ? null : show(checked.command),
      results: Object.fromEntries(
        Object.entries(results).map(([name, answer]) => [name, showAnswer(answer)]),
      ),
    },
  }
}

/** The first place where two plays of the same steps differ, or null. */
export function firstDifference(
  steps: readonly CheckStep[],
  first: readonly CheckAnswer[],
  second: readonly CheckAnswer[],
): {
  readonly step: string
  readonly first: CheckAnswer | undefined
  readonly second: CheckAnswer | undefined
} | null {
  for (const [index, step] of steps.entries()) {
    if (!same(first[index], second[index]))
      return { step: stepWords[step.do], first: first[index], second: second[index] }
  }
  return null
}

const stepWords: Readonly<Record<CheckStep['do'], string>> = {
  descriptor: 'the descriptor',
  'stream-id': 'the stream id',
  open: 'the constructor',
  evolve: 'evolve',
  decide: 'the decision',
  snapshot: 'the snapshot',
  drop: 'the destructor',
  sessions: 'the sessions',
}

export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`
}
