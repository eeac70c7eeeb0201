/** `[flow.F]` of a flow file (spec flows 2). */
import { flowPriorities } from '../../../../shared/contracts/flow.ts'
import { quoted } from '../../../modules/manifest/table-reader.ts'
import { readEdgeDefaults, readEdges } from './edges.ts'
import type { GrantTable } from './grants.ts'
import { resolveHostRole } from './host-role.ts'
import type { KeyReader } from '../reading/key-reader.ts'
import { maxMilliseconds, maxNodes } from './limits.ts'
import type { FlowDefinition, FlowSettings, NodeDefinition } from '../model.ts'
import { readNode, type NodeContext } from './node.ts'
import { failFast, readErrorPolicy } from './policies.ts'
import type { DeclaredComponent } from './project.ts'
import { schedulingPolicies } from './settings.ts'
import { isTable } from '../reading/values.ts'

export const nameRule =
  'a name of letters, digits, ".", "_" and "-", at most 64, not beginning with "." or "-"'

export interface FlowContext {
  readonly file: string
  readonly folder: string
  readonly components: ReadonlyMap<string, DeclaredComponent>
  readonly grants: GrantTable
  readonly settings: FlowSettings
  readonly locate: FlowDefinition['locate']
}

/** Reads one flow; defaults stand in where there are errors. */
export function readFlow(flow: KeyReader, name: string, context: FlowContext): FlowDefinition {
  const { settings, file, locate } = context
  const { runtime } = settings
  const timeouts = readTimeouts(flow.child('timeouts'))
  const errorPolicy = readErrorPolicy(flow, failFast)
  const edgeDefaults = readEdgeDefaults(flow, { capacity: runtime.queueDepth, policy: runtime.queuePolicy })
  const definition = {
    name,
    file,
    description: flow.string('description') ?? '',
    schedulingPolicy: flow.choice('scheduling_policy', schedulingPolicies) ?? runtime.schedulingPolicy,
    priority: flow.choice('priority', flowPriorities) ?? 'normal',
    timeouts: timeouts.flow,
    restart: readRestart(flow.child('restart')),
    settings,
    locate,
  }
  const nodes = readNodes(flow, { ...context, callMs: timeouts.callMs, errorPolicy })
  const edges = isOtherEdges(flow) ? [] : readEdges(flow, edgeDefaults)
  flow.finish()
  return { ...definition, nodes: nodes.map((node) => resolveHostRole(node, edges)), edges }
}

function readTimeouts(table: KeyReader): { flow: FlowDefinition['timeouts']; callMs: number } {
  const time = (key: string, min: number, otherwise: number): number =>
    table.integer(key, min, maxMilliseconds) ?? otherwise
  const timeouts = {
    flow: {
      deadlineMs: time('deadline_ms', 0, 0),
      drainMs: time('drain_ms', 0, 5_000),
      cancelMs: time('cancel_ms', 0, 1_000),
      initMs: time('init_ms', 1, 5_000),
      teardownMs: time('teardown_ms', 1, 2_000),
      shutdownMs: time('shutdown_ms', 0, 30_000),
    },
    callMs: time('call_ms', 1, 5_000),
  }
  table.finish()
  return timeouts
}

function readRestart(table: KeyReader): FlowDefinition['restart'] {
  const restart = {
    mode: table.choice('mode', ['never', 'on-trap'] as const) ?? 'never',
    max: table.integer('max', 0, 1_000_000) ?? 3,
    windowMs: (table.integer('window_s', 1, 2_147_483) ?? 300) * 1_000,
  }
  table.finish()
  return restart
}

function readNodes(flow: KeyReader, context: NodeContext): NodeDefinition[] {
  const value = flow.raw('nodes')
  if (Array.isArray(value)) {
    flow.bad(
      'nodes',
      'a list of tables, as another dialect writes them',
      `tables [${flow.show('nodes')}.NAME]`,
      `Write [${flow.show('nodes')}.NAME] with component and interface for each, in place of artifact and role.`,
    )
    return []
  }
  const table = flow.child('nodes')
  const names = table.keys()
  if (names.length > maxNodes) {
    flow.bad('nodes', `${names.length} nodes`, `at most ${maxNodes} nodes`)
    return []
  }
  return names.flatMap((name) => {
    const isNamed = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name)
    if (!isNamed) table.bad(name, `a node named ${quoted(name)}`, nameRule)
    const node = table.child(name, { ...flow.context, node: name.slice(0, 64) })
    return isNamed ? [readNode(node, name, context)] : []
  })
}

/** `[flow.F.edges.NAME.backpressure]` of a documented dialect names edges instead of listing them. */
function isOtherEdges(flow: KeyReader): boolean {
  const value = flow.raw('edges')
  if (!isTable(value)) return false
  flow.bad(
    'edges',
    'a table, as another dialect writes it',
    `tables [[${flow.show('edges')}]]`,
    `Write [[${flow.show('edges')}]] with from and to for each, and backpressure inside of it.`,
  )
  return true
}
