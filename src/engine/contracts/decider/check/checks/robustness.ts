/** D8 to D12: what is broken, foreign or hostile neither harms the state nor the instance (spec decider 13). */
import type { CheckStep, Envelope } from '../../../../../shared/contracts/decider-check.ts'
import { deciderLimits } from '../../../../../shared/contracts/decider-limits.ts'
import { evolveSteps, type CheckCase } from '../cases.ts'
import { judge, skipped, type CheckFinding } from '../verdict.ts'
import { answersOf, count, finding, same, trapIn, type Check, type CheckContext } from './context.ts'

const unknownType = 'paddock.check/unknown'
const notAnything = new Uint8Array([0xff, 0x00, 0xc3, 0x28, 0x7b])

/** D8: a batch that fails leaves no part of it behind. */
export const evolveIsAtomic: Check = async ({ runner, cases }) => {
  const definition = { id: 'D8', level: 'W', title: 'a failing evolve changes nothing' } as const
  const findings: CheckFinding[] = []
  let refused = 0
  for (const each of cases) {
    const [first] = each.history
    if (first === undefined) continue
    const bad: Envelope = { type: first.type, payload: notAnything }
    const steps: CheckStep[] = [
      { do: 'open', snapshot: null },
      { do: 'snapshot' },
      { do: 'evolve', events: [...each.history, bad] },
      { do: 'snapshot' },
    ]
    const [, before, evolved, after] = answersOf(await runner.run(steps))
    if (evolved?.is === 'error') {
      refused += 1
      if (!same(before, after))
        findings.push(finding(each, 'evolve failed and yet changed the state', { before, evolved, after }))
    }
  }
  return refused === 0
    ? skipped(definition, 'no event was refused')
    : judge(definition, findings, count(refused, 'refused batch', 'refused batches'))
}

/** D9: events of others are skipped. */
export const unknownEvents: Check = async ({ runner, cases }) => {
  const definition = { id: 'D9', level: 'W', title: 'unknown event types are skipped' } as const
  const findings: CheckFinding[] = []
  for (const each of withoutCommand(cases)) {
    const foreign: Envelope = { type: unknownType, payload: notAnything }
    const observations = await runner.run([
      { do: 'open', snapshot: null },
      ...evolveSteps(each.history),
      { do: 'snapshot' },
      { do: 'evolve', events: [foreign] },
      { do: 'snapshot' },
    ])
    const [before, evolved, after] = answersOf(observations).slice(-3)
    if (evolved?.is !== 'done' || !same(before, after))
      findings.push(
        finding(each, `an event of type ${unknownType} is not skipped`, { before, evolved, after }),
      )
  }
  return judge(definition, findings, count(withoutCommand(cases).length, 'history', 'histories'))
}

/** D10: the stream id depends on the command alone; an unknown command is refused, not trapped on. */
export const streamIds: Check = async ({ runner, cases }) => {
  const definition = { id: 'D10', level: 'E', title: 'stream ids depend on the command alone' } as const
  const findings: CheckFinding[] = []
  for (const each of cases) {
    const { command, history } = each
    if (command === null) continue
    const fresh = (await runner.run([{ do: 'stream-id', command }])).at(0)?.answer
    const used = (
      await runner.run([
        { do: 'open', snapshot: null },
        ...evolveSteps(history),
        { do: 'decide', command },
        { do: 'stream-id', command },
      ])
    ).at(-1)?.answer
    if (used?.is !== 'skipped' && !same(fresh, used))
      findings.push(finding(each, 'the stream id changed once the instance was used', { fresh, used }))
    if (fresh?.is === 'stream-id' && !isStreamId(fresh.streamId))
      findings.push(finding(each, 'the stream id is empty, too long or holds a control character', { fresh }))
  }
  const unknown: CheckCase = {
    name: 'an unknown command',
    history: [],
    command: { type: unknownType, payload: new Uint8Array() },
  }
  const trap = trapIn(await runner.run(commandSteps(unknown.command)))
  if (trap !== undefined)
    findings.push(finding(unknown, 'it trapped instead of answering an error', { trap }))
  return judge(definition, findings, `${count(cases.length, 'case')} and an unknown command`)
}

/** D11: garbage is answered, never trapped on. */
export const garbage: Check = async (context) => {
  const { runner, descriptor, cases } = context
  const definition = { id: 'D11', level: 'W', title: 'garbage never traps' } as const
  const findings: CheckFinding[] = []
  let tried = 0
  for (const { type } of descriptor.commands) {
    const good = cases.find(({ command }) => command?.type === type)?.command?.payload ?? new Uint8Array()
    for (const payload of broken(good, context)) {
      tried += 1
      const command = { type, payload }
      const trap = trapIn(await runner.run(commandSteps(command)))
      if (trap === undefined) continue
      findings.push(finding({ name: `${type} with garbage`, history: [], command }, 'it trapped', { trap }))
    }
  }
  return judge(definition, findings, count(tried, 'broken payload'))
}

/** D12: a damaged snapshot is refused, or makes a state that is either the initial one or the truth. */
export const damagedSnapshots: Check = async (context) => {
  const { runner, cases } = context
  const definition = { id: 'D12', level: 'W', title: 'a damaged snapshot is not believed' } as const
  const findings: CheckFinding[] = []
  let tried = 0
  const initial = (await runner.run([{ do: 'open', snapshot: null }, { do: 'snapshot' }])).at(-1)?.answer
  for (const each of withoutCommand(cases)) {
    const truth = (
      await runner.run([{ do: 'open', snapshot: null }, ...evolveSteps(each.history), { do: 'snapshot' }])
    ).at(-1)?.answer
    if (truth?.is !== 'snapshot' || truth.snapshot === null) continue
    for (const snapshot of broken(truth.snapshot, context)) {
      if (same(snapshot, truth.snapshot)) continue
      tried += 1
      const [opened, resumed] = answersOf(await runner.run([{ do: 'open', snapshot }, { do: 'snapshot' }]))
      if (opened?.is !== 'done' || resumed?.is === 'trap') continue
      if (same(resumed, initial) || same(resumed, truth)) continue
      findings.push(
        finding(each, 'a damaged snapshot makes a state that never was', {
          damaged: { is: 'snapshot', snapshot },
          resumed,
          truth,
        }),
      )
    }
  }
  return tried === 0
    ? skipped(definition, 'the decider gives no snapshot')
    : judge(definition, findings, count(tried, 'damaged snapshot'))
}

function commandSteps(command: Envelope | null): CheckStep[] {
  return command === null
    ? []
    : [
        { do: 'stream-id', command },
        { do: 'open', snapshot: null },
        { do: 'decide', command },
        { do: 'drop' },
      ]
}

/** The payload emptied, truncated, flipped, and random bytes of its length. */
function broken(good: Uint8Array, { random }: CheckContext): Uint8Array[] {
  const flipped = Uint8Array.from(good)
  const middle = Math.floor(good.length / 2)
  const byte = flipped[middle]
  if (byte !== undefined) flipped[middle] = byte ^ 0x55
  const length = Math.max(8, good.length)
  const noise = Uint8Array.from({ length }, () => Math.floor(random() * 256))
  return [new Uint8Array(), good.slice(0, middle), flipped, noise, notAnything]
}

function isStreamId(streamId: string): boolean {
  return (
    streamId !== '' &&
    Buffer.byteLength(streamId, 'utf8') <= deciderLimits.streamIdBytes &&
    !/\p{Cc}/u.test(streamId)
  )
}

/** Histories, each once. */
function withoutCommand(cases: readonly CheckCase[]): CheckCase[] {
  const kept: CheckCase[] = []
  for (const each of cases) {
    if (!kept.some(({ history }) => same(history, each.history))) kept.push(each)
  }
  return kept
}
