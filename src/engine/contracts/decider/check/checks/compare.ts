/** D16 and D17: one decider against another (spec decider 13). */
import type { CheckAnswer, CheckStep } from '../../../../../shared/contracts/decider-check.ts'
import { evolveSteps, playSteps, type CheckCase, type StoredStream } from '../cases.ts'
import type { ScriptPlayer } from '../script-runner.ts'
import { judge, skipped, type CheckFinding, type CheckVerdict } from '../verdict.ts'
import { answersOf, count, finding, firstDifference, same } from './context.ts'

/** What the rehearsal is told of how far it is. */
export type OnStream = (done: number, of: number) => void

/**
 * D16: a candidate version replays every stream of an existing store. Evolve errors and traps fail; another state or
 * decision than the running version's is told.
 */
export async function rehearseUpgrade(
  candidate: ScriptPlayer,
  running: ScriptPlayer | null,
  streams: readonly StoredStream[],
  commands: readonly CheckCase[],
  onStream: OnStream = () => undefined,
): Promise<CheckVerdict> {
  const definition = { id: 'D16', level: 'E', title: 'the new version reads what is stored' } as const
  if (streams.length === 0) return skipped(definition, 'there is no stored stream')
  const findings: CheckFinding[] = []
  const notes = { states: 0, decisions: 0 }
  for (const [index, { streamId, events }] of streams.entries()) {
    const history: CheckCase = { name: `stream ${streamId}`, history: events, command: null }
    const steps: CheckStep[] = [{ do: 'open', snapshot: null }, ...evolveSteps(events)]
    const answers = answersOf(await candidate.run(steps))
    const at = answers.findIndex((answer) => answer.is !== 'done')
    if (at >= 0) findings.push(await firstUnread(candidate, history))
    else if (running !== null) await compare(streamId, events)
    onStream(index + 1, streams.length)
  }
  const differences =
    notes.states + notes.decisions === 0
      ? ''
      : `; against the running version ${count(notes.states, 'state')} and ${count(notes.decisions, 'decision')} differ`
  return judge(definition, findings, `${count(streams.length, 'stream')} replayed${differences}`)

  async function compare(streamId: string, events: StoredStream['events']): Promise<void> {
    const base: CheckCase = { name: `stream ${streamId}`, history: events, command: null }
    if (!(await agree(base))) notes.states += 1
    for (const { command } of commands) {
      if (command !== null && !(await agree({ ...base, command }))) notes.decisions += 1
    }
  }

  async function agree(each: CheckCase): Promise<boolean> {
    if (running === null) return true
    const steps: CheckStep[] = [
      { do: 'open', snapshot: null },
      ...evolveSteps(each.history),
      each.command === null ? { do: 'snapshot' } : { do: 'decide', command: each.command },
    ]
    const [first, second] = [await candidate.run(steps), await running.run(steps)]
    return same(first.at(-1)?.answer, second.at(-1)?.answer)
  }
}

/** Names the revision at which a history stops folding. */
async function firstUnread(candidate: ScriptPlayer, { name, history }: CheckCase): Promise<CheckFinding> {
  const answers = answersOf(await candidate.run([{ do: 'open', snapshot: null }, ...evolveSteps(history, 1)]))
  const at = answers.findIndex((answer) => answer.is !== 'done')
  const answer: CheckAnswer | undefined = answers[at]
  const revision = Math.max(1, at)
  const event = history[revision - 1]
  const what =
    at === 0
      ? 'a session cannot be made'
      : `the event at revision ${revision} (${event?.type ?? '?'}) is not read`
  return finding({ name, history: history.slice(0, revision), command: null }, what, { answer })
}

/** D17: two artifacts give the same outcomes, details and stream ids; the first divergence is shown. */
export async function parity(
  first: ScriptPlayer,
  second: ScriptPlayer,
  cases: readonly CheckCase[],
): Promise<CheckVerdict> {
  const definition = { id: 'D17', level: 'E', title: 'both artifacts answer alike' } as const
  const findings: CheckFinding[] = []
  for (const each of cases) {
    // How each keeps its state is its own affair.
    const steps = playSteps(each).filter((step) => step.do !== 'snapshot')
    const difference = firstDifference(
      steps,
      answersOf(await first.run(steps)),
      answersOf(await second.run(steps)),
    )
    if (difference !== null) {
      const { step, first: ours, second: theirs } = difference
      findings.push(finding(each, `they differ at ${step}`, { first: ours, second: theirs }))
    }
  }
  return judge(definition, findings, count(cases.length, 'case'))
}
