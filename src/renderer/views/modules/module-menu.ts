import type { ModuleView } from '../../../shared/domain/module.ts'
import type { IconName } from '../../components/icons.ts'
import type { ConsoleState } from '../../state/console.svelte.ts'

interface MenuItem {
  readonly label: string
  readonly icon: IconName
  readonly danger?: boolean
  readonly hint?: string
  readonly run: () => void
}

/** What can be done with a module in its present state. */
export function moduleMenu(state: ConsoleState, module: ModuleView): MenuItem[] {
  const { operations, install, router } = state
  const { name, status } = module
  const items: MenuItem[] = [
    {
      label: 'Logs',
      icon: 'logs',
      hint: 'L',
      run: () => router.go({ screen: 'modules', item: name, part: 'logs' }),
    },
  ]
  if (status.state === 'needs-consent') {
    items.push({ label: 'Review…', icon: 'lock', run: () => void install.reviewPending(name) })
  } else if (status.state === 'stopped') {
    items.push({ label: 'Start', icon: 'play', hint: 'S', run: () => void operations.start(name) })
  } else if (status.state === 'dead') {
    items.push({ label: 'Revive', icon: 'play', hint: 'S', run: () => void operations.revive(name) })
  } else {
    items.push(
      { label: 'Restart', icon: 'restart', hint: 'R', run: () => void operations.restart(name) },
      { label: 'Stop', icon: 'stop', hint: 'S', run: () => void operations.stop(name) },
    )
  }
  items.push(
    { label: 'Reload from disk', icon: 'reload', hint: '⇧R', run: () => void operations.reload(name) },
    { label: 'Remove…', icon: 'remove', danger: true, run: () => operations.askRemoval([name]) },
  )
  return items
}
