/** What needs a person, most urgent first, each with its cause, its effect and the next step. */
import type { ChainView } from '../../shared/domain/chain.ts'
import type { Notice } from '../../shared/domain/engine.ts'
import type { ModuleView } from '../../shared/domain/module.ts'
import { count, groupDigits } from '../format/numbers.ts'
import { until } from '../format/time.ts'
import type { RouteTarget } from './route.svelte.ts'
import { chainStanding, moduleStanding, rollbacksToNotice, severity, type MarkKind } from './standing.ts'

export type AttentionAction =
  | { readonly kind: 'open'; readonly label: string; readonly target: RouteTarget }
  | {
      readonly kind: 'revive' | 'reload' | 'stop' | 'review'
      readonly label: string
      readonly module: string
    }
  | { readonly kind: 'start-devnet' | 'leave-safe-mode'; readonly label: string }
  | { readonly kind: 'review-bundle'; readonly label: string; readonly path: string }
  | { readonly kind: 'dismiss'; readonly label: string; readonly notice: string }

export interface Attention {
  readonly id: string
  readonly mark: MarkKind
  readonly title: string
  /** A stable code, set in mono before the effect. */
  readonly code: string | null
  readonly effect: string
  readonly since: number
  readonly actions: readonly AttentionAction[]
}

/** With its full stop, so that another can follow. */
function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`
}

function openModule(name: string, part: string, label: string): AttentionAction {
  return { kind: 'open', label, target: { screen: 'modules', item: name, part } }
}

function ofModule(module: ModuleView, nowMs: number): Attention | null {
  const { name, status } = module
  const base = { id: `module ${name}`, since: status.since }
  if (status.state === 'dead' && status.error.code === 'module.init_rejected') {
    return {
      ...base,
      mark: 'dead',
      title: `${name} is dead`,
      code: status.error.code,
      effect: `${sentence(status.error.message)} Correct its manifest, then reload it.`,
      // A start without reading the manifest again would end the same way.
      actions: [
        openModule(name, 'config', 'Configuration'),
        { kind: 'reload', label: 'Reload', module: name },
      ],
    }
  }
  if (status.state === 'dead') {
    return {
      ...base,
      mark: 'dead',
      title: `${name} is dead`,
      code: status.error.code,
      effect: `${sentence(status.error.message)} It gets no events until it is revived.`,
      actions: [openModule(name, 'logs', 'Logs'), { kind: 'revive', label: 'Revive', module: name }],
    }
  }
  if (status.state === 'restarting') {
    return {
      ...base,
      mark: 'restarting',
      title: `${name} keeps restarting`,
      code: status.error.code,
      effect: `${sentence(status.error.message)} Attempt ${groupDigits(status.attempt)} ${until(status.nextAt, nowMs)}.`,
      actions: [openModule(name, 'logs', 'Logs'), { kind: 'stop', label: 'Stop', module: name }],
    }
  }
  if (status.state === 'needs-consent') {
    return {
      ...base,
      mark: 'consent',
      title: `${name} ${module.version} waits for consent`,
      code: null,
      effect: 'It does not run until you have seen what it asks for.',
      actions: [{ kind: 'review', label: 'Review…', module: name }],
    }
  }
  const standing = moduleStanding(module, nowMs)
  if (standing.mark !== 'degraded') return null
  const { lastError } = module
  if (module.usage.rolledBackInRow >= rollbacksToNotice && lastError !== null) {
    return {
      id: base.id,
      // Each event brings a newer error; rows that change places with every block cannot be read.
      since: 0,
      mark: 'degraded',
      title: `${name}: the last ${groupDigits(module.usage.rolledBackInRow)} events failed`,
      code: lastError.error.code,
      effect: `${sentence(lastError.error.message)} It runs on; nothing of these events is kept.`,
      actions: [openModule(name, 'logs', 'Logs'), { kind: 'stop', label: 'Stop', module: name }],
    }
  }
  const store = standing.reason.startsWith('store')
  return {
    ...base,
    mark: 'degraded',
    title: `${name}: ${standing.reason}`,
    code: null,
    effect: store ? 'Writes fail at the limit; nothing stored is lost.' : 'It runs on, close to its limit.',
    actions: [openModule(name, store ? 'state' : 'resources', store ? 'Store' : 'Resources')],
  }
}

function ofChain(chain: ChainView, nowMs: number): Attention | null {
  const { config } = chain
  const standing = chainStanding(chain, nowMs)
  if (standing.mark !== 'dead' && standing.mark !== 'degraded') return null
  const readers = chain.modules.length
  const effect =
    standing.mark === 'dead' || chain.status === 'stale'
      ? `${count(readers, 'module gets', 'modules get')} no new blocks; none is skipped once it is back.`
      : 'Another endpoint serves; no block is skipped.'
  return {
    id: `chain ${config.chainId}`,
    mark: standing.mark,
    title: standing.mark === 'dead' ? `${config.name} is down` : `${config.name}: ${standing.reason}`,
    code: chain.error?.code ?? null,
    effect:
      standing.mark === 'dead' && chain.error !== null
        ? `${sentence(chain.error.message)} ${effect}`
        : effect,
    // When the chain itself lives on, the last block says nothing of how long the trouble lasts.
    since: chain.status === 'live' ? 0 : (chain.head?.receivedAt ?? 0),
    actions: [
      chain.devnet && standing.mark === 'dead'
        ? { kind: 'start-devnet', label: 'Start devnet' }
        : { kind: 'open', label: 'Endpoints', target: { screen: 'chains', item: config.chainId } },
    ],
  }
}

function ofNotice(notice: Notice): Attention {
  const { subject, error } = notice
  const dismiss: AttentionAction = { kind: 'dismiss', label: 'Dismiss', notice: notice.id }
  const open: Record<Notice['subject']['kind'], AttentionAction | null> = {
    module: subject.kind === 'module' ? openModule(subject.name, 'logs', 'Logs') : null,
    chain:
      subject.kind === 'chain'
        ? { kind: 'open', label: 'Endpoints', target: { screen: 'chains', item: subject.chainId } }
        : null,
    flow:
      subject.kind === 'flow'
        ? { kind: 'open', label: 'Log', target: { screen: 'logs', query: { module: `flow/${subject.id}` } } }
        : null,
    settings: { kind: 'open', label: 'Settings', target: { screen: 'settings' } },
    'watch-folder':
      subject.kind === 'watch-folder' && error.code === 'module.consent_required'
        ? { kind: 'review-bundle', label: 'Review…', path: subject.path }
        : { kind: 'open', label: 'Folders', target: { screen: 'settings' } },
    devnet: { kind: 'open', label: 'Devnet', target: { screen: 'chains' } },
    engine:
      error.code === 'state.safe_mode'
        ? { kind: 'leave-safe-mode', label: 'Start modules' }
        : { kind: 'open', label: 'Logs', target: { screen: 'logs' } },
  }
  const action = open[subject.kind]
  return {
    id: `notice ${notice.id}`,
    mark: notice.severity === 'error' ? 'dead' : 'degraded',
    title: error.message,
    code: error.code,
    effect: error.remedy,
    since: notice.time,
    actions: action === null ? [dismiss] : [action, dismiss],
  }
}

/** A notice that says again what a row of its module or chain already says. */
function isTold(notice: Notice, told: ReadonlySet<string>): boolean {
  if (notice.subject.kind === 'module') return told.has(`module ${notice.subject.name}`)
  if (notice.subject.kind === 'chain') return told.has(`chain ${notice.subject.chainId}`)
  return false
}

/** One row for each cause, worst first, then newest first. */
export function attentionList(
  state: {
    readonly modules: readonly ModuleView[]
    readonly chains: readonly ChainView[]
    readonly notices: readonly Notice[]
  },
  nowMs: number,
): Attention[] {
  const rows = [
    ...state.modules.map((module) => ofModule(module, nowMs)),
    ...state.chains.map((chain) => ofChain(chain, nowMs)),
  ].filter((row) => row !== null)
  const told = new Set(rows.map((row) => row.id))
  const notices = state.notices.filter((notice) => !isTold(notice, told)).map(ofNotice)
  return [...rows, ...notices].sort(
    (a, b) => severity(a.mark) - severity(b.mark) || b.since - a.since || a.id.localeCompare(b.id),
  )
}
