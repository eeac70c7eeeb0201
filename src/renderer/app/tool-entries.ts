/** What the palette can do with tools, their operations and secrets. */
import type { ConsoleState } from '../state/console.svelte.ts'
import { toolStanding } from '../state/tools/tool-words.ts'
import type { PaletteEntry } from './palette-entry.ts'

export function toolEntries(state: ConsoleState): PaletteEntry[] {
  const { router, tools: desk } = state
  if (desk.tools.length === 0 && desk.secretRows.length === 0) return []
  const ofTools = desk.tools.flatMap((tool): PaletteEntry[] => [
    {
      id: `tool ${tool.module}`,
      group: 'Tools',
      label: tool.module,
      hint: `tool, ${toolStanding(tool).word} · open`,
      icon: 'tool',
      run: () => router.go({ screen: 'tools', item: tool.module }),
    },
    ...tool.operations.map(({ id, permission }): PaletteEntry => ({
      id: `operation ${id}`,
      group: 'Tools',
      label: id,
      hint: `${permission === 'allow' ? 'operation' : permission === 'ask' ? 'asks you' : 'denied'} · ${tool.module}`,
      icon: 'tool',
      run: () => router.go({ screen: 'tools', item: tool.module, part: id }),
    })),
  ])
  const action = (label: string, hint: string, run: () => void): PaletteEntry => ({
    id: label,
    group: 'Actions',
    label,
    hint,
    icon: 'key',
    run,
  })
  const page = (name: string) => (): void => router.go({ screen: 'tools', query: { page: name } })
  return [
    ...ofTools,
    action('Add secret…', 'encrypted, never shown', () => (desk.setting = '')),
    action('Show secrets', 'and grant them', page('secrets')),
    { ...action('Serve tools to other programs', 'HTTP and MCP', page('server')), icon: 'globe' },
    ...desk.secretRows.flatMap(({ name, kept }) => [
      action(`${kept === null ? 'Set' : 'Replace'} secret ${name}…`, '', () => (desk.setting = name)),
      action(`Grant secret ${name}`, 'hosts and tools', () =>
        router.go({ screen: 'tools', query: { page: 'secrets', secret: name } }),
      ),
      ...(kept === null
        ? []
        : [action(`Remove secret ${name}…`, 'asks first', () => (desk.removing = name))]),
    ]),
  ]
}
