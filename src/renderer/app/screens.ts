import type { IconName } from '../components/icons.ts'
import type { Screen } from '../state/route.svelte.ts'

export const screenNames: Readonly<Record<Screen, string>> = {
  overview: 'Overview',
  modules: 'Modules',
  chains: 'Chains',
  logs: 'Logs',
  flows: 'Flows',
  deciders: 'Deciders',
  actors: 'Actors',
  tools: 'Tools',
  settings: 'Settings',
}

export const screenIcons: Readonly<Record<Screen, IconName>> = {
  overview: 'overview',
  modules: 'module',
  chains: 'chain',
  logs: 'logs',
  flows: 'flow',
  deciders: 'decider',
  actors: 'store',
  tools: 'tool',
  settings: 'settings',
}

/** The screens that work with the modules of one contract, by its id; hidden while no such module is loaded. */
export const contractScreens = {
  decider: 'deciders',
  tool: 'tools',
  actor: 'actors',
} as const satisfies Record<string, Screen>

/** The pages of the settings, by what stands in the route. */
export const settingsPages = ['accounts', 'audit', 'engine'] as const
export type SettingsPage = (typeof settingsPages)[number]
export const settingsPageNames: Readonly<Record<SettingsPage, string>> = {
  accounts: 'Accounts',
  audit: 'Audit trail',
  engine: 'Engine file',
}
