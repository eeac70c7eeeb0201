/** How modules and chains stand, in the console's own terms: a mark, a word and a reason. */
import type { ChainView, EndpointView } from '../../shared/domain/chain.ts'
import type { ModuleView } from '../../shared/domain/module.ts'
import { bytes, groupDigits, measureText, percent } from '../format/numbers.ts'
import { age, until } from '../format/time.ts'

export type MarkKind =
  'running' | 'degraded' | 'starting' | 'restarting' | 'dead' | 'stopped' | 'consent' | 'unknown'

export interface Standing {
  readonly mark: MarkKind
  readonly word: string
  /** What makes it so, in a few words; empty where the word says it all. */
  readonly reason: string
}

/** Trouble first: the order of lists. */
const order: readonly MarkKind[] = [
  'dead',
  'restarting',
  'consent',
  'degraded',
  'unknown',
  'starting',
  'running',
  'stopped',
]

/** Position of a mark in a list that starts with trouble; 0 is worst. */
export function severity(mark: MarkKind): number {
  return order.indexOf(mark)
}

/** Whether a mark needs a person to look. */
export function isTrouble(mark: MarkKind): boolean {
  return severity(mark) <= severity('degraded')
}

/** Share of a limit from which a figure is high, and from which it is over. */
export const highShare = 0.8
export const overShare = 0.95

export type Level = 'normal' | 'high' | 'over'

/** Events answered with an error, one after the other, from which a running module deserves a look. */
export const rollbacksToNotice = 3

/** How near a use is to its limit; a limit of 0 with any use is over. */
export function levelOf(used: number | null, limit: number): Level {
  if (used === null || used <= 0) return 'normal'
  const share = limit > 0 ? used / limit : 1
  if (share >= overShare) return 'over'
  return share >= highShare ? 'high' : 'normal'
}

/** Why a running module deserves a look, or null. */
function conditionOf(module: ModuleView): string | null {
  const { usage, limits } = module
  if (usage.rolledBackInRow >= rollbacksToNotice) {
    return `last ${groupDigits(usage.rolledBackInRow)} failed`
  }
  if (levelOf(usage.storeBytes, limits.storeBytes) !== 'normal' && usage.storeBytes !== null) {
    return `store ${measureText(percent(limits.storeBytes > 0 ? usage.storeBytes / limits.storeBytes : 1))} full`
  }
  if (usage.queued >= limits.queueEvents) return `queue full, ${groupDigits(usage.dropped)} dropped`
  if (levelOf(usage.memoryBytes, limits.memoryBytes) !== 'normal' && usage.memoryBytes !== null) {
    return `memory ${measureText(bytes(usage.memoryBytes))} of ${measureText(bytes(limits.memoryBytes))}`
  }
  if (levelOf(usage.latencyMsP99, limits.deadlineMs) !== 'normal') return 'p99 close to its time limit'
  return null
}

/** The standing of a module at a time; degraded is running plus a condition derived here. */
export function moduleStanding(module: ModuleView, nowMs: number): Standing {
  const { status } = module
  switch (status.state) {
    case 'needs-consent':
      return { mark: 'consent', word: 'Needs consent', reason: 'waits for you' }
    case 'resolving':
      return { mark: 'starting', word: 'Resolving', reason: '' }
    case 'loading':
      return { mark: 'starting', word: 'Loading', reason: '' }
    case 'initialising':
      return { mark: 'starting', word: 'Initialising', reason: '' }
    case 'restarting':
      return {
        mark: 'restarting',
        word: 'Restarting',
        reason: `attempt ${groupDigits(status.attempt)}, ${until(status.nextAt, nowMs)}`,
      }
    case 'stopping':
      return { mark: 'starting', word: 'Stopping', reason: '' }
    case 'stopped':
      return { mark: 'stopped', word: 'Stopped', reason: `for ${age(nowMs - status.since)}` }
    case 'dead':
      return { mark: 'dead', word: 'Dead', reason: `for ${age(nowMs - status.since)}` }
    case 'running': {
      const condition = conditionOf(module)
      return condition === null
        ? { mark: 'running', word: 'Running', reason: '' }
        : { mark: 'degraded', word: 'Degraded', reason: condition }
    }
  }
}

/** The standing of one endpoint. */
export function endpointStanding(endpoint: EndpointView): Standing {
  switch (endpoint.health) {
    case 'unknown':
      return { mark: 'unknown', word: 'Not tried', reason: '' }
    case 'connecting':
      return { mark: 'starting', word: 'Connecting', reason: '' }
    case 'serving':
      return { mark: 'running', word: 'Serving', reason: '' }
    case 'standby':
      return { mark: 'stopped', word: 'Standby', reason: '' }
    case 'failing':
      return { mark: 'dead', word: 'Failing', reason: endpoint.error?.message ?? '' }
  }
}

/** The standing of a chain at a time. */
export function chainStanding(chain: ChainView, nowMs: number): Standing {
  const total = chain.endpoints.length
  const failing = chain.endpoints.filter((endpoint) => endpoint.health === 'failing').length
  // A devnet that is not started yet, or was stopped, troubles nobody as long as nobody reads it.
  if (chain.devnet && total === 0 && chain.modules.length === 0) {
    return { mark: 'stopped', word: 'Stopped', reason: 'no module reads it' }
  }
  switch (chain.status) {
    case 'down':
      return { mark: 'dead', word: 'Down', reason: chain.error?.message ?? 'no endpoint answers' }
    case 'stale': {
      const since = chain.head === null ? '' : ` for ${age(nowMs - chain.head.receivedAt)}`
      return { mark: 'degraded', word: 'Stale', reason: `no new block${since}` }
    }
    case 'connecting':
      return { mark: 'starting', word: 'Connecting', reason: '' }
    case 'idle':
      return {
        mark: 'stopped',
        word: 'Idle',
        reason: total === 0 ? 'no endpoint' : 'no module reads it',
      }
    case 'live':
      return failing > 0
        ? {
            mark: 'degraded',
            word: 'In sync',
            reason: `${groupDigits(total - failing)} of ${groupDigits(total)} endpoints up`,
          }
        : { mark: 'running', word: 'In sync', reason: '' }
  }
}

/** The worst of some marks, or null when there are none. */
export function worst(marks: readonly MarkKind[]): MarkKind | null {
  let found: MarkKind | null = null
  for (const mark of marks) if (found === null || severity(mark) < severity(found)) found = mark
  return found
}
