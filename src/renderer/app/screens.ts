import type { IconName } from '../components/icons.ts'
import type { Screen } from '../state/route.svelte.ts'

export const screenNames: Readonly<Record<Screen, string>> = {
  overview: 'Overview',
  modules: 'Modules',
  chains: 'Chains',
  logs: 'Logs',
  settings: 'Settings',
}

export const screenIcons: Readonly<Record<Screen, IconName>> = {
  overview: 'overview',
  modules: 'module',
  chains: 'chain',
  logs: 'logs',
  settings: 'settings',
}
