/** The suite's own scenarios, and D15: whether they cover what the decider declares (spec decider 13 "Suite"). */
import { isDeepStrictEqual } from 'node:util'
import type {
  CheckAnswer,
  CheckStep,
  Envelope,
  Observation,
} from '../../../../../shared/contracts/decider-check.ts'
import { evolveSteps } from '../cases.ts'
import type { ScriptPlayer } from '../script-runner.ts'
import type { ExpectedEvent, Scenario, SuiteStep } from '../suite.ts'
import { judge, show, showAnswer, skipped, type CheckFinding, type CheckVerdict } from '../verdict.ts'
import { count, trapIn, type Check } from './context.ts'

/** One verdict for each scenario of the suite, on a fresh instance each. */
export async function playScenario(runner: ScriptPlayer, scenario: Scenario): Promise<CheckVerdict> {
  const definition = { id: 'S', level: 'E', title: scenario.name } as const
  const { fuelPerCall, callMs, memoryBytes, steps: expectedSteps, given } = scenario
  const history = [...given]
  for (const [index, step] of expectedSteps.entries()) {
    const steps: CheckStep[] = [
      { do: 'stream-id', command: step.command },
      { do: 'open', snapshot: null },
      ...evolveSteps(history),
      { do: 'decide', command: step.command },
    ]
    const observations = await runner.run(steps, { fuelPerCall, deadlineMs: callMs, memoryBytes })
    const fault = faultOf(step, observations)
    if (fault !== null) {
      const where = expectedSteps.length === 1 ? '' : `step ${index + 1}: `
      return judge(definition, [failure(scenario, step, history, observations, `${where}${fault}`)], '')
    }
    const answer = observations.at(-1)?.answer
    if (answer?.is === 'decided') history.push(...answer.events)
  }
  return judge(definition, [], count(expectedSteps.length, 'step'))
}

/** D15: every declared command, and every event type seen or declared, appears in a scenario. */
export const coverage: Check = async ({ runner, suite, descriptor, strict }) => {
  const definition = { id: 'D15', level: strict ? 'E' : 'W', title: 'scenarios cover the decider' } as const
  if (suite === null) return skipped(definition, 'there is no suite')
  const commands = new Set<string>()
  const events = new Set<string>()
  const expected = new Set<string>()
  for (const { given, steps } of suite.scenarios) {
    for (const { type } of given) expected.add(type)
    for (const { command, events: written } of steps) {
      commands.add(command.type)
      for (const { type } of written ?? []) expected.add(type)
    }
  }
  for (const { given, steps } of suite.scenarios) {
    const history = [...given]
    for (const { command } of steps) {
      const decided = await decide(runner, history, command)
      for (const { type } of decided) events.add(type)
      history.push(...decided)
    }
  }
  const missing = [
    ...descriptor.commands
      .map(({ type }) => type)
      .filter((type) => !commands.has(type))
      .map((type) => `command ${type}`),
    ...suite.events.filter((type) => !expected.has(type) && !events.has(type)).map((type) => `event ${type}`),
    ...[...events]
      .filter((type) => suite.events.length > 0 && !suite.events.includes(type))
      .map((type) => `event ${type}, which the suite does not declare`),
  ]
  return judge(
    definition,
    missing.map((what) => ({ message: `no scenario covers ${what}`, reproduction: null })),
    `${count(descriptor.commands.length, 'command')}, ${count(new Set([...suite.events, ...events]).size, 'event type')}`,
  )
}

async function decide(
  runner: ScriptPlayer,
  history: readonly Envelope[],
  command: Envelope,
): Promise<Envelope[]> {
  const played = await runner.run([
    { do: 'open', snapshot: null },
    ...evolveSteps(history),
    { do: 'decide', command },
  ])
  const answer = played.at(-1)?.answer
  return answer?.is === 'decided' ? answer.events : []
}

/** What is wrong with how a step ended, or null. */
function faultOf({ expected, events }: SuiteStep, observations: readonly Observation[]): string | null {
  const trap = trapIn(observations)
  if (expected.trap === true) return trap === undefined ? 'a trap was expected' : null
  if (trap !== undefined) return `it trapped in ${trap.phase}: ${trap.code}`
  const refused = observations.map(({ answer }) => answer).find((answer) => answer.is === 'error')
  const answer = refused ?? observations.at(-1)?.answer
  if (answer === undefined) return 'there was no answer'
  return (
    faultOfError(expected.error, answer) ??
    faultOfRejection(expected.rejected, answer) ??
    (events === null ? null : faultOfEvents(events, answer))
  )
}

function faultOfError(expected: SuiteStep['expected']['error'], answer: CheckAnswer): string | null {
  if (expected === undefined) return null
  if (!('error' in answer)) return `an error was expected, but it ${words(answer)}`
  const { code, message } = answer.error
  if (typeof expected === 'string')
    return code === expected || message === expected ? null : `it failed with ${code}: ${message}`
  const matches = code === expected.code && (expected.message === undefined || message === expected.message)
  return matches ? null : `it failed with ${code}: ${message}`
}

function faultOfRejection(expected: boolean | undefined, answer: CheckAnswer): string | null {
  if (expected === undefined) return null
  if (expected) return answer.is === 'rejected' ? null : `a rejection was expected, but it ${words(answer)}`
  return answer.is === 'decided' ? null : `acceptance was expected, but it ${words(answer)}`
}

function faultOfEvents(expected: readonly ExpectedEvent[], answer: CheckAnswer): string | null {
  if (answer.is !== 'decided') return `events were expected, but it ${words(answer)}`
  if (answer.events.length !== expected.length)
    return `${count(expected.length, 'event')} expected, ${answer.events.length} decided`
  const at = expected.findIndex((event, index) => !matches(event, answer.events[index]))
  return at < 0 ? null : `event ${at + 1} is not as expected`
}

function matches(expected: ExpectedEvent, actual: Envelope | undefined): boolean {
  if (actual?.type !== expected.type) return false
  if (!expected.byValue) return Buffer.from(actual.payload).equals(Buffer.from(expected.payload))
  try {
    return isDeepStrictEqual(JSON.parse(Buffer.from(actual.payload).toString('utf8')), expected.json)
  } catch {
    return false
  }
}

function words(answer: CheckAnswer): string {
  if (answer.is === 'decided') return `decided ${count(answer.events.length, 'event')}`
  return 'error' in answer ? `was ${answer.is}: ${answer.error.code}` : `answered ${answer.is}`
}

function failure(
  scenario: Scenario,
  step: SuiteStep,
  history: readonly Envelope[],
  observations: readonly Observation[],
  message: string,
): CheckFinding {
  const interesting = observations.find(({ answer }) => answer.is === 'trap') ?? observations.at(-1)
  return {
    message,
    reproduction: {
      case: scenario.name,
      history: history.map(show),
      command: show(step.command),
      results: { expected: step.expected, actual: showAnswer(interesting?.answer) },
    },
  }
}
