/** The shape of a flow for the console, also of one that does not run. */
import type { StageRole } from '../../../../shared/contracts/flow.ts'
import type { FlowGraph } from '../../../../shared/domain/flow.ts'
import { describeEnd } from '../host-end.ts'
import type { FlowDefinition, NodeDefinition } from '../model.ts'

/** Linear memory of a stage that nothing else is said of. */
export const defaultLinearBytes = 16 * 1_048_576

/** Roles that are not known yet are drawn as the edges suggest. */
export function flowGraph(flow: FlowDefinition): FlowGraph {
  return {
    name: flow.name,
    description: flow.description,
    nodes: flow.nodes.map((node) => ({
      name: node.name,
      role: node.role ?? roleByEdges(node.name, flow),
      body: bodyOf(node),
      isHost: node.component.kind === 'host',
      config: node.configSource,
      ports: node.ports === null ? null : [...node.ports],
      queueWatermark: watermarkOf(node.name, flow),
      memoryBytes: node.memoryBytes ?? defaultLinearBytes,
      fuel: node.fuel,
      grants: [...node.grants],
      errorPolicy: {
        base: node.errorPolicy.base,
        perCase: node.errorPolicy.perCase,
        maxErrorsPerMinute: node.errorPolicy.maxErrorsPerMinute,
      },
      callMs: node.callMs,
    })),
    edges: flow.edges.map(({ from, port, to, capacity, policy }) => ({ from, port, to, capacity, policy })),
  }
}

function roleByEdges(name: string, { edges }: FlowDefinition): StageRole {
  if (!edges.some(({ to }) => to === name)) return 'source'
  return edges.some(({ from }) => from === name) ? 'processor' : 'sink'
}

function bodyOf({ component, source }: NodeDefinition): string {
  return component.kind === 'host' ? describeEnd(component.end) : source
}

/** The lowest share at which a queue before the node is relieved. */
function watermarkOf(name: string, { edges }: FlowDefinition): number {
  const ratios = edges.filter(({ to }) => to === name).map(({ lowWatermarkRatio }) => lowWatermarkRatio)
  return ratios.length === 0 ? 0.5 : Math.min(...ratios)
}
