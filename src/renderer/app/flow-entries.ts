import type { ConsoleState } from '../state/console.svelte.ts'
import { isActive } from '../state/flows/flow-list.svelte.ts'
import { flowStanding } from '../state/flows/flow-words.ts'
import type { PaletteEntry } from './palette-entry.ts'

/** Flows, and what can be done with each now. */
export function flowEntries(state: ConsoleState): PaletteEntry[] {
  const { flows, router } = state
  const { actions, offer, list } = flows
  const entries = list.flows.flatMap(({ view, rates }): PaletteEntry[] => {
    const { id } = view
    const action = (
      verb: string,
      icon: PaletteEntry['icon'],
      hint: string,
      run: () => void,
    ): PaletteEntry => ({
      id: `${verb} flow ${id}`,
      group: 'Actions',
      label: `${verb} ${id}`,
      hint,
      icon,
      run,
    })
    const own: PaletteEntry[] = [
      {
        id: `flow ${id}`,
        group: 'Flows',
        label: id,
        hint: `${flowStanding(view, rates).word} · open`,
        icon: 'flow',
        run: () => router.go({ screen: 'flows', item: id }),
      },
      action('Trace', 'clock', 'element by element', () =>
        router.go({ screen: 'flows', item: id, part: 'trace' }),
      ),
      action('Edit', 'file', 'its flow file', () => router.go({ screen: 'flows', item: id, part: 'file' })),
      action('Show logs of', 'logs', '', () =>
        router.go({ screen: 'logs', query: { module: `flow/${id}` } }),
      ),
    ]
    if (!isActive(view)) own.push(action('Start', 'play', 'flow', () => void actions.start(id)))
    else {
      own.push(
        view.paused
          ? action('Go on with', 'play', 'where it stood', () => void actions.resume(id))
          : action('Pause', 'pause', 'all of it stands still', () => void actions.pause(id)),
        action('Drain and stop', 'stop', 'what is under way goes through', () => void actions.drain(id)),
      )
    }
    own.push(
      action('Remove flow', 'remove', 'asks first', () => {
        actions.removing = id
      }),
    )
    return own
  })
  const add = (kind: 'file' | 'folder'): PaletteEntry => ({
    id: `add-flow-${kind}`,
    group: 'Actions',
    label: `Add flow from ${kind}…`,
    hint: kind === 'file' ? '.toml' : '',
    icon: 'flow',
    run: () => void offer.pick(kind),
  })
  return [...entries, add('file'), add('folder')]
}
