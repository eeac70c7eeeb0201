import {
  queriedEventModuleContractId,
  queryModuleContractId,
} from '../../../shared/contracts/query-module.ts'
import type { ModuleView } from '../../../shared/domain/module.ts'

const everyTab = ['activity', 'logs', 'resources', 'capabilities', 'state', 'config'] as const
export type ModuleTab = (typeof everyTab)[number] | 'query'

export const moduleTabNames: Readonly<Record<ModuleTab, string>> = {
  activity: 'Activity',
  logs: 'Logs',
  resources: 'Resources',
  capabilities: 'Capabilities',
  state: 'State',
  config: 'Configuration',
  query: 'Query',
}

/** The tabs of a module: those of every module, and what its contract brings. */
export function tabsOf(module: ModuleView | undefined): readonly ModuleTab[] {
  const id = module?.contract?.id
  const isQueried = id === queryModuleContractId || id === queriedEventModuleContractId
  return isQueried ? [...everyTab, 'query'] : everyTab
}
