export const moduleTabs = ['activity', 'logs', 'resources', 'capabilities', 'state', 'config'] as const
export type ModuleTab = (typeof moduleTabs)[number]

export const moduleTabNames: Readonly<Record<ModuleTab, string>> = {
  activity: 'Activity',
  logs: 'Logs',
  resources: 'Resources',
  capabilities: 'Capabilities',
  state: 'State',
  config: 'Configuration',
}
