import type { IconName } from '../components/icons.ts'
import type { ConsoleState } from '../state/console.svelte.ts'
import { fuzzy } from '../state/match.ts'
import { screens } from '../state/route.svelte.ts'
import { chainStanding, moduleStanding } from '../state/standing.ts'
import { flowEntries } from './flow-entries.ts'
import type { PaletteEntry } from './palette-entry.ts'
import { toolEntries } from './tool-entries.ts'
import { screenIcons, screenNames, settingsPageNames, settingsPages } from './screens.ts'

export interface PaletteGroup {
  readonly title: string
  readonly entries: readonly PaletteEntry[]
}

const maxPerGroup = 10
const prefixes: Readonly<Record<string, PaletteEntry['group']>> = {
  '>': 'Actions',
  '#': 'Chains',
  '@': 'Modules',
}

function moduleEntries(state: ConsoleState): PaletteEntry[] {
  const { engine, clock, router, operations, install } = state
  return engine.modules.flatMap((module) => {
    const { name, status } = module
    const standing = moduleStanding(module, clock.now)
    const action = (verb: string, icon: IconName, hint: string, run: () => void): PaletteEntry => ({
      id: `${verb} ${name}`,
      group: 'Actions',
      label: `${verb} ${name}`,
      hint,
      icon,
      run,
    })
    const asleep = status.state === 'stopped' || status.state === 'dead'
    const entries: PaletteEntry[] = [
      {
        id: `module ${name}`,
        group: 'Modules',
        label: name,
        hint: `${standing.word} · open`,
        icon: 'event',
        run: () => router.go({ screen: 'modules', item: name }),
      },
      action('Show logs of', 'logs', '', () => router.go({ screen: 'modules', item: name, part: 'logs' })),
    ]
    if (status.state === 'needs-consent') {
      entries.push(action('Review', 'lock', 'what it asks for', () => void install.reviewPending(name)))
    } else if (asleep) {
      const revive = status.state === 'dead'
      entries.push(
        action(
          revive ? 'Revive' : 'Start',
          'play',
          revive ? 'clears the failure count' : '',
          () => void (revive ? operations.revive(name) : operations.start(name)),
        ),
      )
    } else {
      entries.push(
        action('Restart', 'restart', 'its state is kept', () => void operations.restart(name)),
        action('Stop', 'stop', '', () => void operations.stop(name)),
      )
    }
    entries.push(
      action('Reload', 'reload', 'from disk', () => void operations.reload(name)),
      action('Remove', 'remove', 'asks first', () => operations.askRemoval([name])),
    )
    return entries
  })
}

function chainEntries(state: ConsoleState): PaletteEntry[] {
  const { engine, clock, router } = state
  return engine.chains.map((chain) => ({
    id: `chain ${chain.config.chainId}`,
    group: 'Chains',
    label: `${chain.config.name} ${chain.config.chainId}`,
    hint: `${chainStanding(chain, clock.now).word} · open`,
    icon: 'chain',
    run: () => router.go({ screen: 'chains', item: chain.config.chainId }),
  }))
}

function generalEntries(state: ConsoleState): PaletteEntry[] {
  const { engine, operations, install, preferences, router } = state
  const action = (id: string, label: string, icon: IconName, run: () => void, hint = ''): PaletteEntry => ({
    id,
    group: 'Actions',
    label,
    hint,
    icon,
    run,
  })
  const otherTheme = preferences.painted === 'dark' ? 'light' : 'dark'
  const entries = [
    action('add-folder', 'Add module from folder…', 'folder', () => void install.pick('folder')),
    action('add-file', 'Add module from file…', 'file', () => void install.pick('file'), '.wasm or archive'),
    action('add-chain', 'Add chain', 'plus', () => router.go({ screen: 'chains', query: { add: 'new' } })),
    action('watch', 'Watch folder…', 'folder', () => void operations.addWatchFolder()),
    action('theme', `Switch to the ${otherTheme} theme`, 'sun', () => void preferences.toggleTheme()),
    action('reveal', 'Open the state directory', 'folder', () => void operations.revealStateDir()),
    action('keys', 'Show keys', 'keyboard', () => {
      state.keySheetOpen = true
    }),
  ]
  if (state.approvals.list.length > 0) {
    entries.unshift(action('approvals', 'Review signatures', 'lock', () => state.approvals.review()))
  }
  const { devnet } = engine
  if (devnet?.state === 'running') {
    entries.push(action('devnet', 'Stop local devnet', 'stop', () => void operations.stopDevnet()))
  } else if (devnet?.state === 'stopped' || devnet?.state === 'failed') {
    entries.push(action('devnet', 'Start local devnet', 'play', () => void operations.startDevnet()))
  }
  return entries
}

/** Everything the palette can reach now. */
export function paletteEntries(state: ConsoleState): PaletteEntry[] {
  const screensFirst: PaletteEntry[] = screens.map((screen) => ({
    id: `screen ${screen}`,
    group: 'Screens',
    label: screenNames[screen],
    hint: `G ${screenNames[screen].charAt(0)}`,
    icon: screenIcons[screen],
    run: () => state.router.go({ screen }),
  }))
  const settingsKeys = { accounts: 'G K', audit: 'G U', engine: '' } as const
  const ofSettings: PaletteEntry[] = settingsPages.map((page) => ({
    id: `settings ${page}`,
    group: 'Screens',
    label: settingsPageNames[page],
    hint: settingsKeys[page],
    icon: page === 'accounts' ? 'key' : page === 'audit' ? 'logs' : 'file',
    run: () => state.router.go({ screen: 'settings', item: page }),
  }))
  const ofModules = moduleEntries(state)
  const ofFlows = flowEntries(state)
  return [
    ...screensFirst,
    ...ofSettings,
    ...ofModules.filter((entry) => entry.group === 'Modules'),
    ...ofFlows.filter((entry) => entry.group === 'Flows'),
    ...toolEntries(state).filter((entry) => entry.group === 'Tools'),
    ...generalEntries(state),
    ...chainEntries(state),
    ...toolEntries(state).filter((entry) => entry.group === 'Actions'),
    ...ofModules.filter((entry) => entry.group === 'Actions'),
    ...ofFlows.filter((entry) => entry.group === 'Actions'),
  ]
}

/** Entries that match a query, best first, the group with the best entry first. `>`, `#` and `@` narrow to one group. */
export function findEntries(entries: readonly PaletteEntry[], query: string): PaletteGroup[] {
  const only = prefixes[query.charAt(0)]
  const words = only === undefined ? query : query.slice(1)
  const scored = entries
    .filter((entry) => only === undefined || entry.group === only)
    .map((entry) => ({ entry, match: fuzzy(words.trim(), entry.label) }))
    .filter((row) => row.match !== null)
  if (words.trim() !== '') scored.sort((a, b) => (b.match?.score ?? 0) - (a.match?.score ?? 0))
  const groups = new Map<string, PaletteEntry[]>()
  for (const { entry } of scored) {
    const group = groups.get(entry.group) ?? []
    if (group.length < maxPerGroup) group.push(entry)
    groups.set(entry.group, group)
  }
  return [...groups].map(([title, list]) => ({ title, entries: list }))
}
