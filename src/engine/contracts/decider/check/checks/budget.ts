/** D13 and D14: what the decider uses of its limits, and whether it keeps what it should let go (spec decider 13, 10). */
import type { CheckStep, Envelope, Observation } from '../../../../../shared/contracts/decider-check.ts'
import { defaultDeciderPolicy, deciderLimits } from '../../../../../shared/contracts/decider-limits.ts'
import { defaultLimits } from '../../../../../shared/domain/limits.ts'
import { evolveSteps, type CheckCase } from '../cases.ts'
import { judge, skipped, type CheckFinding } from '../verdict.ts'
import { finding, trapIn, type Check } from './context.ts'

const sizes = [0, 100, 10_000] as const
/** More than this share of a limit is worth a word. */
const share = 0.5
const sessions = 10_000
/** Growth of this much, in bytes, over all sessions is more than a guest's allocator needs. */
const growthBytes = 1024 * 1024

/** D13: fuel, time and memory by phase with no, some and many events. */
export const budgets: Check = async ({ runner, cases }) => {
  const definition = { id: 'D13', level: 'W', title: 'limits leave room' } as const
  const each = cases.find(({ history }) => history.length > 0) ?? cases[0]
  if (each === undefined) return skipped(definition, 'there is no case to measure')
  const findings: CheckFinding[] = []
  const measured: string[] = []
  for (const size of sizes) {
    if (size > 0 && each.history.length === 0) continue
    const steps: CheckStep[] = [
      { do: 'open', snapshot: null },
      ...evolveSteps(repeated(each.history, size)),
      ...(each.command === null ? [] : [{ do: 'decide' as const, command: each.command }]),
      { do: 'snapshot' },
    ]
    const observations = await runner.run(steps)
    const trap = trapIn(observations)
    if (trap !== undefined) {
      findings.push(finding(withHistory(each, size), `it trapped with ${size} events`, { trap }))
      continue
    }
    const used = usage(steps, observations)
    measured.push(`${size} events: ${words(used)}`)
    for (const [what, amount, limit] of used) {
      if (amount > limit * share)
        findings.push({
          message: `${what} takes ${percent(amount, limit)} of its limit with ${size} events`,
          reproduction: null,
        })
    }
  }
  return judge(definition, findings, measured.join('; '))
}

/** D14: ten thousand sessions on one instance hold no more memory than a hundred. */
export const noGrowth: Check = async ({ runner, cases }) => {
  const definition = { id: 'D14', level: 'W', title: 'sessions leave nothing behind' } as const
  const each = cases.find(({ history }) => history.length > 0) ?? cases[0]
  const events = (each?.history ?? []).slice(0, 10)
  const command = each?.command ?? null
  const [early, late] = await runner.run([
    { do: 'sessions', count: 100, events, command },
    { do: 'sessions', count: sessions, events, command },
  ])
  if (early === undefined || late === undefined || late.answer.is !== 'done') {
    const trap = late?.answer.is === 'skipped' ? early?.answer : late?.answer
    const message = `${sessions} sessions on one instance do not end well`
    return judge(
      definition,
      [each === undefined ? { message, reproduction: null } : finding(each, message, { trap })],
      '',
    )
  }
  const growth = late.memoryBytes - early.memoryBytes
  return judge(
    definition,
    growth <= growthBytes
      ? []
      : [{ message: `${sessions} sessions grew its memory by ${growth} bytes`, reproduction: null }],
    `${sessions} sessions, ${growth} bytes more`,
  )
}

type Usage = readonly [what: string, amount: number, limit: number]

function usage(steps: readonly CheckStep[], observations: readonly Observation[]): Usage[] {
  const { fuelPerCall, fuelPerEvent, callMs } = defaultDeciderPolicy
  const used: Usage[] = steps.flatMap((step, index): Usage[] => {
    const seen = observations[index]
    if (seen === undefined) return []
    const fuel = step.do === 'evolve' ? Math.max(fuelPerCall, fuelPerEvent * step.events.length) : fuelPerCall
    return [
      [`the fuel of ${step.do}`, seen.fuel, fuel],
      [`the time of ${step.do}`, seen.ms, callMs],
    ]
  })
  const memory = Math.max(0, ...observations.map(({ memoryBytes }) => memoryBytes))
  return [...used, ['memory', memory, defaultLimits.memoryBytes]]
}

/** The largest share of fuel and memory, for the reader. */
function words(used: readonly Usage[]): string {
  const most = (prefix: string): string => {
    const shares = used.filter(([what]) => what.startsWith(prefix))
    const [first] = shares.sort(([, a, ofA], [, b, ofB]) => b / ofB - a / ofA)
    return first === undefined ? '–' : percent(first[1], first[2])
  }
  return `at most ${most('the fuel')} of the fuel, ${most('the time')} of the time, ${most('memory')} of the memory`
}

function percent(amount: number, limit: number): string {
  const value = (amount / limit) * 100
  return value > 0 && value < 1 ? 'under 1 %' : `${Math.round(value)} %`
}

function repeated(history: readonly Envelope[], size: number): Envelope[] {
  const first = history[0]
  return first === undefined
    ? []
    : Array.from({ length: size }, (_, index) => history[index % history.length] ?? first)
}

function withHistory(each: CheckCase, size: number): CheckCase {
  return { ...each, history: repeated(each.history, Math.min(size, deciderLimits.chunkEvents)) }
}
