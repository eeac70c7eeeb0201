/** The six stage interfaces and the roles they make (spec flows 1). */
import type { StageRole } from '../../../shared/contracts/flow.ts'
import { nearest } from '../../modules/manifest/nearest.ts'

export const roleInterfaces: Readonly<Record<StageRole, string>> = {
  source: 'torvyn:streaming/source',
  processor: 'torvyn:streaming/processor',
  sink: 'torvyn:streaming/sink',
  filter: 'torvyn:filtering/filter',
  router: 'torvyn:filtering/router',
  aggregator: 'torvyn:aggregation/aggregator',
}

const names = Object.entries(roleInterfaces) as [StageRole, string][]

/** The role of an interface as a flow file writes it, with or without `@0.1.n`; null where it is none. */
export function roleOf(text: string): StageRole | null {
  const [, name = ''] = /^(.*?)(?:@0\.1\.(?:0|[1-9]\d{0,8}))?$/.exec(text) ?? []
  return names.find(([, candidate]) => candidate === name)?.[0] ?? null
}

/** The stage interface that a wrong text may mean, or null. */
export function nearestInterface(text: string): string | null {
  const name = text.replace(/@.*$/, '')
  const word = name.slice(name.lastIndexOf('/') + 1)
  const same = names.find(([role]) => role === word)
  return same?.[1] ?? nearest(name, Object.values(roleInterfaces))
}
