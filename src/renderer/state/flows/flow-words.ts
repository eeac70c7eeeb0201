/** Flows in the console's own terms. */
import type { BasePolicy, FlowFailure } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowView } from '../../../shared/domain/flow.ts'
import { count, groupDigits, measureText, duration } from '../../format/numbers.ts'
import type { Standing } from '../standing.ts'
import { isLive } from './flow-list.svelte.ts'
import type { FlowRates } from './flow-meter.ts'
import { isHeld } from './stage-facts.ts'

type Policy = NonNullable<FlowGraph['nodes'][number]['errorPolicy']>

/** The standing of a flow: a mark, a word and, where it is not plain, a reason. */
export function flowStanding(view: FlowView, rates: FlowRates | null = null): Standing {
  switch (view.state) {
    case 'preparing':
    case 'created':
    case 'validated':
    case 'instantiated':
      return { mark: 'starting', word: 'Starting', reason: '' }
    case 'running': {
      if (view.paused) return { mark: 'stopped', word: 'Paused', reason: 'nothing is lost' }
      const held = heldAt(view, rates)
      return held === null
        ? { mark: 'running', word: 'Running', reason: '' }
        : { mark: 'degraded', word: 'Held back', reason: `at ${held}` }
    }
    case 'draining':
      return { mark: 'starting', word: 'Draining', reason: 'what is under way goes on' }
    case 'failed':
      return { mark: 'dead', word: 'Failed', reason: view.end?.failure?.node ?? '' }
    case 'completed':
      return { mark: 'stopped', word: 'Completed', reason: 'its sources have ended' }
    case 'cancelled':
      return { mark: 'stopped', word: 'Stopped', reason: '' }
    case 'idle':
      if (view.error?.code === 'flow.consent_required')
        return { mark: 'consent', word: 'Needs consent', reason: 'waits for you' }
      return view.error === null
        ? { mark: 'stopped', word: 'Not started', reason: '' }
        : { mark: 'dead', word: 'Cannot start', reason: 'its file is wrong' }
  }
}

/**
 * The stage where what comes before it has to wait: the last one of those that hold back, since what holds it holds the
 * rest. Null where nothing is held.
 */
function heldAt(view: FlowView, rates: FlowRates | null): string | null {
  if (!isLive(view)) return null
  const held = new Set(
    view.graph.edges.flatMap((edge, index) => (isHeld(view, rates, index) ? [edge.to] : [])),
  )
  for (const name of held)
    if (!view.graph.edges.some((edge) => edge.from === name && held.has(edge.to))) return name
  return null
}

/** What stands in place of the file's path in a list: its last folder and name. */
export function fileLabel(file: string): string {
  return file.split(/[/\\]/).slice(-2).join('/')
}

/** One error policy in a sentence. */
export function policyText(policy: BasePolicy): string {
  switch (policy.kind) {
    case 'fail-fast':
      return 'The first error ends the flow.'
    case 'skip':
      return 'The element is dropped and counted.'
    case 'log':
      return 'The element is dropped, with a line in the log.'
    case 'dead-letter':
      return 'The element is kept in the file of dead letters.'
    case 'retry': {
      const then = {
        'fail-fast': 'the flow ends',
        skip: 'it is dropped',
        'dead-letter': 'it goes to the dead letters',
      }[policy.then]
      return `Tried ${groupDigits(policy.max)} times more, first after ${measureText(duration(policy.backoffMs))}; then ${then}.`
    }
  }
}

const shortPolicies = {
  'fail-fast': 'ends the flow',
  skip: 'is dropped',
  log: 'is dropped and logged',
  'dead-letter': 'is kept as a dead letter',
} as const

/** The exceptions of a policy: `invalid-input is dropped`. */
export function perCaseTexts(policy: Policy): string[] {
  return Object.entries(policy.perCase).map(([name, kind]) => `${name} ${shortPolicies[kind]}`)
}

export const queuePolicyWords: Readonly<Record<string, string>> = {
  'block-producer': 'full: the producer waits',
  'drop-oldest': 'full: the oldest is dropped',
  'drop-newest': 'full: the newest is dropped',
  error: 'full: an error of the producer',
}

/** `enrich failed in process on element 42`. */
export function failureTitle(failure: FlowFailure): string {
  const where = failure.node ?? 'The flow'
  const call = failure.function === null ? '' : ` in ${failure.function}`
  const element = failure.sequence === null ? '' : ` on element ${groupDigits(failure.sequence)}`
  return `${where} failed${call}${element}`
}

/** What came of a run, in numbers. */
export function endText(view: FlowView): string {
  const { figures } = view
  if (figures === null) return 'It never ran since it was loaded.'
  const parts = [
    `${groupDigits(figures.elements)} in`,
    `${groupDigits(figures.delivered)} delivered`,
    `${groupDigits(figures.dropped)} dropped`,
    count(figures.errors, 'error'),
  ]
  return `${parts.join(', ')}.`
}
