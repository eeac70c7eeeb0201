/** What a decider is tried with: histories and commands from its suite, from streams of a store, or made up. */
import type { CheckStep, Envelope } from '../../../../shared/contracts/decider-check.ts'
import type { DeciderDescriptor } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import type { ScriptPlayer } from './script-runner.ts'
import type { Suite } from './suite.ts'

export interface CheckCase {
  readonly name: string
  readonly history: readonly Envelope[]
  /** Null for a stream of a store, whose commands nobody kept. */
  readonly command: Envelope | null
}

export interface StoredStream {
  readonly streamId: string
  readonly events: readonly Envelope[]
}

/** Long histories cost more than they tell: of a stored stream the first so many events are played. */
const maxHistory = 2_000
const emptyObject = new Uint8Array(Buffer.from('{}'))

/** The steps that play a case once: stream id, session, history in chunks, decision, snapshot. */
export function playSteps({ history, command }: CheckCase): CheckStep[] {
  return [
    ...(command === null ? [] : [{ do: 'stream-id' as const, command }]),
    { do: 'open', snapshot: null },
    ...evolveSteps(history),
    ...(command === null ? [] : [{ do: 'decide' as const, command }]),
    { do: 'snapshot' },
    { do: 'drop' },
  ]
}

/** History as the engine replays it: chunks of at most 500 events (spec decider 4, step 9). */
export function evolveSteps(
  history: readonly Envelope[],
  chunk: number = deciderLimits.chunkEvents,
): CheckStep[] {
  const steps: CheckStep[] = []
  for (let from = 0; from < history.length; from += chunk) {
    steps.push({ do: 'evolve', events: history.slice(from, from + chunk) })
  }
  return steps
}

/**
 * Cases from all there is. Steps of a scenario share a session: the history of each has the events decided before it.
 * Without a suite each declared command is tried with an empty payload and an empty JSON object, on no history and on
 * what the decider itself decided.
 */
export async function collectCases(
  runner: ScriptPlayer,
  descriptor: DeciderDescriptor,
  suite: Suite | null,
  streams: readonly StoredStream[],
): Promise<CheckCase[]> {
  const fromStreams = streams.map(({ streamId, events }): CheckCase => ({
    name: `stream ${streamId}`,
    history: events.slice(0, maxHistory),
    command: null,
  }))
  const fromSuite = suite === null ? await madeUp(runner, descriptor) : await ofSuite(runner, suite)
  return [...fromSuite, ...fromStreams]
}

async function ofSuite(runner: ScriptPlayer, suite: Suite): Promise<CheckCase[]> {
  const cases: CheckCase[] = []
  for (const { name, given, steps, fuelPerCall, memoryBytes, callMs } of suite.scenarios) {
    // A starved scenario tells of its budget, not of the decider.
    if (fuelPerCall !== null || memoryBytes !== null || callMs !== null) continue
    const history = [...given]
    for (const [index, { command }] of steps.entries()) {
      cases.push({
        name: steps.length === 1 ? name : `${name}, step ${index + 1}`,
        history: [...history],
        command,
      })
      if (index === steps.length - 1) break
      history.push(...(await decidedOn(runner, history, command)))
    }
  }
  return cases
}

async function madeUp(runner: ScriptPlayer, descriptor: DeciderDescriptor): Promise<CheckCase[]> {
  const cases: CheckCase[] = []
  for (const { type } of descriptor.commands) {
    for (const [word, payload] of [
      ['an empty payload', new Uint8Array()],
      ['an empty object', emptyObject],
    ] as const) {
      const command = { type, payload }
      cases.push({ name: `${type} with ${word}`, history: [], command })
      const history = await decidedOn(runner, [], command)
      if (history.length > 0) cases.push({ name: `${type} with ${word}, again`, history, command })
    }
  }
  return cases
}

async function decidedOn(
  runner: ScriptPlayer,
  history: readonly Envelope[],
  command: Envelope,
): Promise<readonly Envelope[]> {
  const played = await runner.run([
    { do: 'open', snapshot: null },
    ...evolveSteps(history),
    { do: 'decide', command },
  ])
  const answer = played.at(-1)?.answer
  return answer?.is === 'decided' ? answer.events : []
}
