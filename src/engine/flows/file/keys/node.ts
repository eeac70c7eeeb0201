/** `[flow.F.nodes.N]` of a flow file (spec flows 2). */
import { list, quoted } from '../../../modules/manifest/table-reader.ts'
import { resolveComponent } from './component-reference.ts'
import type { GrantTable } from './grants.ts'
import type { KeyReader } from '../reading/key-reader.ts'
import { maxFuel, maxLinearBytes, maxMilliseconds, minBufferBytes, minLinearBytes } from './limits.ts'
import type { FlowSettings, NodeDefinition, PolicyDefinition } from '../model.ts'
import { readCircuit, readErrorPolicy } from './policies.ts'
import type { DeclaredComponent } from './project.ts'
import { nearestInterface, roleInterfaces, roleOf } from '../roles.ts'

/** Host bytes a stage may own unless its node says otherwise (spec flows 8.2). */
const defaultBufferBytes = 64 * 1_048_576

export interface NodeContext {
  /** Absolute folder of the flow file. */
  readonly folder: string
  readonly components: ReadonlyMap<string, DeclaredComponent>
  readonly grants: GrantTable
  readonly settings: FlowSettings
  /** What the flow says for nodes that do not. */
  readonly callMs: number
  readonly errorPolicy: PolicyDefinition
}

export function readNode(node: KeyReader, name: string, context: NodeContext): NodeDefinition {
  refuseOtherDialect(node)
  const { settings, components } = context
  const text = node.required('component', '"file://…", "oci://…" or the name of a declared component')
  const declared = text === undefined ? undefined : components.get(text)
  const config = node.string('config') ?? declared?.config ?? ''
  const component =
    text === undefined ? null : resolveComponent(node, text, config, context.folder, components)
  const definition: NodeDefinition = {
    name,
    source: node.source('component'),
    // What stands in for a missing component is never used: the flow has an error.
    component: component ?? { kind: 'file', candidates: [] },
    language: declared?.language ?? null,
    role: readInterface(node),
    config,
    configSource: node.has('config') ? node.source('config') : (declared?.config ?? ''),
    fuel: node.integer('fuel_budget', 0, maxFuel) ?? settings.runtime.fuelPerInvocation,
    memoryBytes: node.size('max_memory', minLinearBytes, maxLinearBytes) ?? settings.runtime.maxMemoryBytes,
    bufferBytes: node.size('max_buffers', minBufferBytes, maxLinearBytes) ?? defaultBufferBytes,
    bufferBytesDeclared: node.has('max_buffers'),
    priority: node.integer('priority', 1, 10) ?? settings.runtime.defaultPriority,
    callMs: node.integer('call_ms', 1, maxMilliseconds) ?? context.callMs,
    errorPolicy: readErrorPolicy(node, context.errorPolicy),
    circuit: readCircuit(node),
    ports: readPorts(node),
    pauseProbeMs: readPauseProbe(node),
    fanOut: node.choice('fan_out', ['together', 'independent'] as const) ?? 'together',
    grants: grantsOf(name, text, context.grants),
  }
  node.finish()
  return definition
}

/** A documented dialect calls the component `artifact` and the interface `role`. */
function refuseOtherDialect(node: KeyReader): void {
  for (const [key, right] of [
    ['artifact', 'component'],
    ['role', 'interface'],
  ] as const) {
    if (!node.has(key)) continue
    node.raw(key)
    node.bad(key, 'a key of another dialect', `the key ${right}`, `Rename it to ${node.show(right)}.`)
  }
}

function readInterface(node: KeyReader): NodeDefinition['role'] {
  const text = node.string('interface')
  if (text === undefined) return null
  const role = roleOf(text)
  if (role !== null) return role
  const suggestion = nearestInterface(text)
  node.context.problems.add(
    'E0935',
    [...node.path, 'interface'],
    `${quoted(text)} is not a stage interface.${suggestion === null ? '' : ` Did you mean ${suggestion}?`}`,
    {
      node: node.context.node,
      expected: list(Object.values(roleInterfaces)),
      found: quoted(text),
      help:
        suggestion === null
          ? 'Leave it out: the exports of the component tell.'
          : `Write interface = "${suggestion}".`,
    },
  )
  return null
}

function readPorts(node: KeyReader): string[] | null {
  const ports = node.strings('ports')
  if (ports === undefined) return null
  for (const [index, port] of ports.entries()) {
    const path = ['ports', index]
    if (port === '' || port.length > 64) node.badAt(path, quoted(port), 'a name of 1 to 64 characters')
    else if (ports.indexOf(port) !== index) {
      node.context.problems.add(
        'E0706',
        [...node.path, ...path],
        `${node.show('ports')} lists ${quoted(port)} twice.`,
        {
          node: node.context.node,
          port,
          expected: 'each name once',
          found: quoted(port),
          help: 'Remove one of the two.',
        },
      )
    }
  }
  return ports
}

function readPauseProbe(node: KeyReader): [number, number] {
  const [first = 10, longest = 1_000] = node.integers('pause_probe_ms', 2, 1, maxMilliseconds) ?? []
  if (longest < first)
    node.bad(
      'pause_probe_ms',
      `[${first}, ${longest}]`,
      'the first wait and a longest one that is not shorter',
    )
  return [first, longest]
}

/** Grants of a component hold for all its nodes; they may stand under its name, its reference or the node's name. */
function grantsOf(name: string, component: string | undefined, grants: GrantTable): string[] {
  const named = [grants.get(name), component === undefined ? undefined : grants.get(component)]
  return [...new Set(named.flatMap((each) => each ?? []))]
}
