/** D2 to D5: the same input gives the same answer, wherever and however it is played (spec decider 13). */
import type { CheckAnswer, CheckStep } from '../../../../../shared/contracts/decider-check.ts'
import { evolveSteps, playSteps, type CheckCase } from '../cases.ts'
import { judge, skipped, type CheckFinding } from '../verdict.ts'
import { answersOf, count, finding, firstDifference, same, type Check, type CheckContext } from './context.ts'

/** D2: two fresh instances answer alike. */
export const replayTwice: Check = async ({ runner, cases }) => {
  const definition = { id: 'D2', level: 'E', title: 'replaying twice gives the same' } as const
  const findings: CheckFinding[] = []
  for (const each of cases) {
    const steps = playSteps(each)
    const first = answersOf(await runner.run(steps))
    const second = answersOf(await runner.run(steps))
    const difference = firstDifference(steps, first, second)
    if (difference !== null) findings.push(differs(each, difference, 'two fresh instances differ'))
  }
  return judge(definition, findings, `${count(cases.length, 'case')}, two fresh instances each`)
}

/** D3: an instance that served others before answers as a fresh one. Catches globals and randomness. */
export const reusedInstance: Check = async (context) => {
  const { runner, cases } = context
  const definition = { id: 'D3', level: 'W', title: 'a used instance answers as a fresh one' } as const
  const played = cases.map((each) => ({ each, steps: playSteps(each) }))
  const fresh: CheckAnswer[][] = []
  for (const { steps } of played) fresh.push(answersOf(await runner.run(steps)))
  const usable = played.flatMap((entry, index) => {
    const answers = fresh[index] ?? []
    return answers.some((answer) => answer.is === 'trap') ? [] : [{ ...entry, answers }]
  })
  if (usable.length === 0) return skipped(definition, 'every case traps')
  // All of them, and then all again in another order: each has others before it.
  const order = [...usable, ...shuffled(usable, context)]
  const reused = answersOf(await runner.run(order.flatMap(({ steps }) => steps)))
  const findings: CheckFinding[] = []
  let from = 0
  for (const { each, steps, answers } of order) {
    const difference = firstDifference(steps, answers, reused.slice(from, from + steps.length))
    from += steps.length
    if (difference !== null)
      findings.push(differs(each, difference, 'a used instance differs from a fresh one'))
  }
  return judge(definition, findings, `${count(order.length, 'play')} on one instance`)
}

/** D4: deciding changes nothing. */
export const decideReadsOnly: Check = async ({ runner, cases }) => {
  const definition = { id: 'D4', level: 'E', title: 'deciding changes no state' } as const
  const findings: CheckFinding[] = []
  let tried = 0
  for (const each of cases) {
    const { command, history } = each
    if (command === null) continue
    tried += 1
    const decide = { do: 'decide', command } as const
    const steps: CheckStep[] = [
      { do: 'open', snapshot: null },
      ...evolveSteps(history),
      { do: 'snapshot' },
      decide,
      { do: 'snapshot' },
      decide,
    ]
    const [before, first, after, second] = answersOf(await runner.run(steps)).slice(-4)
    if (!same(before, after) && first?.is !== 'trap')
      findings.push(finding(each, 'the snapshot changed by deciding', { before, after }))
    else if (!same(first, second) && first?.is !== 'trap')
      findings.push(finding(each, 'deciding twice gave two answers', { first, second }))
  }
  return tried === 0
    ? skipped(definition, 'there is no command to decide')
    : judge(definition, findings, count(tried, 'command'))
}

/** D5: how history is cut into calls does not matter. */
export const chunking: Check = async (context) => {
  const { cases } = context
  const definition = { id: 'D5', level: 'E', title: 'history may be cut anywhere' } as const
  const findings: CheckFinding[] = []
  const long = cases.filter(({ history }) => history.length > 1)
  for (const each of long) {
    const whole = await ending(context, each, evolveSteps(each.history, each.history.length))
    // What does not fold at all is for other checks to tell.
    if (!whole.folded) continue
    for (const [word, cuts] of [
      ['one call per event', evolveSteps(each.history, 1)],
      ['random cuts', randomCuts(each, context)],
    ] as const) {
      const cut = await ending(context, each, cuts)
      const difference = firstDifference(whole.steps, whole.answers, cut.answers)
      if (difference !== null)
        findings.push(differs(each, difference, `${word} differs from one call for all events`))
    }
  }
  return long.length === 0
    ? skipped(definition, 'no case has two events or more')
    : judge(definition, findings, `${count(long.length, 'history', 'histories')}, cut three ways`)
}

/** How a history ends that is cut this way: decision and snapshot. */
async function ending(
  { runner }: CheckContext,
  { command }: CheckCase,
  evolving: readonly CheckStep[],
): Promise<{ folded: boolean; steps: CheckStep[]; answers: CheckAnswer[] }> {
  const steps: CheckStep[] = [
    ...(command === null ? [] : [{ do: 'decide' as const, command }]),
    { do: 'snapshot' },
  ]
  const all: CheckStep[] = [{ do: 'open', snapshot: null }, ...evolving, ...steps]
  const answers = answersOf(await runner.run(all))
  const folded = answers.slice(0, -steps.length).every((answer) => answer.is === 'done')
  return { folded, steps, answers: answers.slice(-steps.length) }
}

function randomCuts({ history }: CheckCase, { random }: CheckContext): CheckStep[] {
  const steps: CheckStep[] = []
  for (let from = 0; from < history.length;) {
    const to = Math.min(history.length, from + 1 + Math.floor(random() * 5))
    steps.push({ do: 'evolve', events: history.slice(from, to) })
    from = to
  }
  return steps
}

function shuffled<T>(items: readonly T[], { random }: CheckContext): T[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}

function differs(
  each: CheckCase,
  { step, first, second }: { step: string; first: CheckAnswer | undefined; second: CheckAnswer | undefined },
  what: string,
): CheckFinding {
  return finding(each, `${what} at ${step}`, { first, second })
}
