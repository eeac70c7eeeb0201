import type { ModuleView } from '../../../shared/domain/module.ts'
import { isTrouble, moduleStanding, severity, type Standing } from '../../state/standing.ts'

export interface ModuleRow {
  readonly module: ModuleView
  readonly standing: Standing
}

export const sortKeys = [
  'name',
  'state',
  'events',
  'p99',
  'fuel',
  'memory',
  'store',
  'restarts',
  'error',
] as const
export type SortKey = (typeof sortKeys)[number]

export const filters = ['all', 'trouble', 'running', 'stopped'] as const
export type Filter = (typeof filters)[number]

/** Whether a module belongs under a filter chip. */
export function passes(filter: Filter, standing: Standing): boolean {
  switch (filter) {
    case 'all':
      return true
    case 'trouble':
      return isTrouble(standing.mark)
    case 'running':
      return standing.mark === 'running' || standing.mark === 'degraded'
    case 'stopped':
      return standing.mark === 'stopped'
  }
}

/**
 * Whether a module matches the words of a search: names, versions, states, and with a prefix
 * `error:` codes or `chain:` names and ids. All words must match.
 */
export function matches(row: ModuleRow, search: string, chainName: (chainId: string) => string): boolean {
  const { module, standing } = row
  const error = (module.lastError?.error.code ?? '').toLowerCase()
  const chains = module.subscriptions
    .flatMap((subscription) => ('chainId' in subscription ? [subscription.chainId] : []))
    .map((chainId) => `${chainName(chainId)} ${chainId}`.toLowerCase())
  const text = [module.name, module.version, standing.word, error, ...chains].join(' ').toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => {
      if (word.startsWith('error:')) return error !== '' && error.includes(word.slice(6))
      if (word.startsWith('chain:')) return chains.some((chain) => chain.includes(word.slice(6)))
      return text.includes(word)
    })
}

const figures: Record<Exclude<SortKey, 'name' | 'state'>, (row: ModuleRow) => number | null> = {
  events: ({ module }) => module.usage.eventsPerSecond,
  p99: ({ module }) => module.usage.latencyMsP99,
  fuel: ({ module }) => module.usage.fuelP50,
  memory: ({ module }) => module.usage.memoryBytes,
  store: ({ module }) => module.usage.storeBytes,
  restarts: ({ module }) => module.restarts,
  error: ({ module }) => module.lastError?.time ?? null,
}

/** Orders rows; figures highest first, missing ones last, names as the tie-break. */
export function sortRows(rows: readonly ModuleRow[], key: SortKey, reversed: boolean): ModuleRow[] {
  const byName = (a: ModuleRow, b: ModuleRow): number => a.module.name.localeCompare(b.module.name)
  const compare = (a: ModuleRow, b: ModuleRow): number => {
    if (key === 'name') return byName(a, b)
    if (key === 'state') return severity(a.standing.mark) - severity(b.standing.mark) || byName(a, b)
    const left = figures[key](a)
    const right = figures[key](b)
    if (left === right) return byName(a, b)
    if (left === null) return reversed ? -1 : 1
    if (right === null) return reversed ? 1 : -1
    return right - left
  }
  const sorted = [...rows].sort(compare)
  return reversed ? sorted.reverse() : sorted
}

/** Rows in an order kept from before: known ones as they were, new ones after them. */
export function keepOrder(rows: readonly ModuleRow[], names: readonly string[]): ModuleRow[] {
  const place = new Map(names.map((name, index) => [name, index]))
  const at = (row: ModuleRow): number => place.get(row.module.name) ?? names.length
  return [...rows].sort((a, b) => at(a) - at(b))
}

export function toRows(modules: readonly ModuleView[], nowMs: number): ModuleRow[] {
  return modules.map((module) => ({ module, standing: moduleStanding(module, nowMs) }))
}
