import type { EdgeDefinition, NodeDefinition } from '../model.ts'
import { rolesOfEnd } from '../host-end.ts'

/** Gives a host end the only role it can have: by itself, or a topic by the edges that touch it. */
export function resolveHostRole(node: NodeDefinition, edges: readonly EdgeDefinition[]): NodeDefinition {
  if (node.role !== null || node.component.kind !== 'host') return node
  const roles = rolesOfEnd(node.component.end)
  const [only] = roles
  if (roles.length === 1 && only !== undefined) return { ...node, role: only }
  const isFed = edges.some(({ to }) => to === node.name)
  const feeds = edges.some(({ from }) => from === node.name)
  if (isFed === feeds) return node
  return { ...node, role: feeds ? 'source' : 'sink' }
}
