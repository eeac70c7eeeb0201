/** D6 and D7: what is resumed or decided folds back to the truth (spec decider 13, 6). */
import type { CheckAnswer, CheckStep, Envelope } from '../../../../../shared/contracts/decider-check.ts'
import { evolveSteps, type CheckCase } from '../cases.ts'
import { judge, skipped, type CheckFinding } from '../verdict.ts'
import { answersOf, count, finding, same, type Check, type CheckContext } from './context.ts'

/** Prefixes tried of one history; of a longer one so many, evenly. */
const maxPrefixes = 60

/** D6: a session resumed from its snapshot at any revision goes on as full replay does. */
export const snapshotResume: Check = async ({ runner, cases }) => {
  const definition = { id: 'D6', level: 'E', title: 'resuming from a snapshot equals full replay' } as const
  const findings: CheckFinding[] = []
  let resumed = 0
  for (const each of cases) {
    const history = [...each.history, ...(await decisionOf(runner, each))]
    const truth = await ending(runner, each, null, history)
    if (truth === null) continue
    for (const length of prefixes(history.length)) {
      const snapshot = await snapshotAfter(runner, history.slice(0, length))
      if (snapshot === null) continue
      resumed += 1
      const end = await ending(runner, each, snapshot, history.slice(length))
      if (same(end, truth)) continue
      findings.push(
        finding(
          { ...each, history },
          `resuming from the snapshot after ${count(length, 'event')} differs from full replay`,
          {
            resumed: end?.at(-1),
            replayed: truth.at(-1),
            ...(end?.length === 2 ? { resumedDecision: end[0], replayedDecision: truth[0] } : {}),
          },
        ),
      )
      break
    }
  }
  return resumed === 0
    ? skipped(definition, 'the decider gives no snapshot')
    : judge(definition, findings, `${count(resumed, 'snapshot')} resumed`)
}

/** D7: decided events fold cleanly, and there are some. */
export const decidedFolds: Check = async ({ runner, cases }) => {
  const definition = { id: 'D7', level: 'E', title: 'decided events fold back' } as const
  const findings: CheckFinding[] = []
  let decided = 0
  for (const each of cases) {
    const { command, history } = each
    if (command === null) continue
    const before = await runner.run([
      { do: 'open', snapshot: null },
      ...evolveSteps(history),
      { do: 'decide', command },
    ])
    const decision = before.at(-1)?.answer
    if (decision?.is !== 'decided') continue
    decided += 1
    if (decision.events.length === 0) {
      findings.push(finding(each, 'it decided no event at all', { decision }))
      continue
    }
    const after = await runner.run([
      { do: 'open', snapshot: null },
      ...evolveSteps([...history]),
      { do: 'evolve', events: decision.events },
    ])
    const fold = after.at(-1)?.answer
    if (fold?.is !== 'done') findings.push(finding(each, 'its own events do not fold', { decision, fold }))
  }
  return decided === 0
    ? skipped(definition, 'no command was decided')
    : judge(definition, findings, count(decided, 'decision'))
}

async function decisionOf(runner: CheckContext['runner'], each: CheckCase): Promise<readonly Envelope[]> {
  if (each.command === null) return []
  const played = await runner.run([
    { do: 'open', snapshot: null },
    ...evolveSteps(each.history),
    { do: 'decide', command: each.command },
  ])
  const answer = played.at(-1)?.answer
  return answer?.is === 'decided' ? answer.events : []
}

/** Decision and snapshot after the rest of a history; null when the history itself does not fold. */
async function ending(
  runner: CheckContext['runner'],
  { command }: CheckCase,
  snapshot: Uint8Array | null,
  rest: readonly Envelope[],
): Promise<CheckAnswer[] | null> {
  const last: CheckStep[] = [
    ...(command === null ? [] : [{ do: 'decide' as const, command }]),
    { do: 'snapshot' },
  ]
  const answers = answersOf(await runner.run([{ do: 'open', snapshot }, ...evolveSteps(rest), ...last]))
  const folding = answers.slice(0, -last.length)
  if (snapshot === null && folding.some((answer) => answer.is !== 'done')) return null
  return answers.slice(-last.length)
}

async function snapshotAfter(
  runner: CheckContext['runner'],
  history: readonly Envelope[],
): Promise<Uint8Array | null> {
  const played = await runner.run([
    { do: 'open', snapshot: null },
    ...evolveSteps(history),
    { do: 'snapshot' },
  ])
  const answer = played.at(-1)?.answer
  return answer?.is === 'snapshot' ? answer.snapshot : null
}

function prefixes(length: number): number[] {
  const step = Math.max(1, Math.ceil((length + 1) / maxPrefixes))
  const lengths: number[] = []
  for (let each = 0; each <= length; each += step) lengths.push(each)
  return lengths
}
