/** Whether the exports of components make the roles that their nodes have (spec flows 1, 3.2: E0934, E0936). */
import type { StageRole } from '../../../shared/contracts/flow.ts'
import { list } from '../../modules/manifest/table-reader.ts'
import { exportMismatch, stageExports } from '../../contracts/stage/stage-world.ts'
import { rolesOfEnd } from '../file/host-end.ts'
import type { FlowDefinition, NodeDefinition } from '../file/model.ts'
import { roleInterfaces } from '../file/roles.ts'
import type { Problems } from '../file/reading/problems.ts'
import type { StageComponent } from './model.ts'

type Worlds = ReadonlyMap<string, Extract<StageComponent, { ok: true }>>

/** The flow with the role of every node; reports where there is none or another. */
export function checkRoles(flow: FlowDefinition, worlds: Worlds, problems: Problems): FlowDefinition {
  return {
    ...flow,
    nodes: flow.nodes.map((node) => ({ ...node, role: roleOf(flow, node, worlds, problems) })),
  }
}

function roleOf(
  flow: FlowDefinition,
  node: NodeDefinition,
  worlds: Worlds,
  problems: Problems,
): StageRole | null {
  if (node.component.kind === 'host') {
    return chosen(flow, node, rolesOfEnd(node.component.end), `${node.source} is`, problems)
  }
  const world = worlds.get(node.name)?.inspection.world
  if (world === undefined) return node.role
  const { roles, otherVersions } = stageExports(world)
  const at = ['flow', flow.name, 'nodes', node.name, 'component']
  if (roles.length === 0) {
    const [other] = otherVersions
    if (other === undefined) {
      problems.add('E0101', at, `"${node.name}" exports no stage interface.`, {
        node: node.name,
        expected: list(Object.values(roleInterfaces)),
        found:
          world.exports
            .map(({ name }) => name)
            .slice(0, 12)
            .join(', ') || 'no exports',
        help: 'Use a component built for torvyn:streaming, filtering or aggregation 0.1.0.',
      })
    } else reportVersion(node, other, at, problems)
    return null
  }
  const role = chosen(flow, node, roles, 'the component exports', problems)
  if (role === null) return null
  const mismatch = exportMismatch(world, role)
  if (mismatch !== null) {
    problems.add(
      'E0102',
      at,
      `"${node.name}" has another shape than the stage contracts 0.1; the first difference is ${mismatch}.`,
      {
        node: node.name,
        expected: `${roleInterfaces[role]}@0.1.0`,
        found: mismatch,
        help: 'Build the component for the contracts of version 0.1.0.',
      },
    )
  }
  return role
}

function reportVersion(node: NodeDefinition, found: string, at: readonly string[], problems: Problems): void {
  problems.add('E0103', at, `"${node.name}" exports ${found}; Paddock runs version 0.1.`, {
    node: node.name,
    expected: `${found.replace(/@.*$/, '')}@0.1.0`,
    found,
    help: 'Build the component for the contracts of version 0.1.0.',
  })
}

/** The configured role among those that can be, or the only one. */
function chosen(
  flow: FlowDefinition,
  node: NodeDefinition,
  roles: readonly StageRole[],
  what: string,
  problems: Problems,
): StageRole | null {
  const at = ['flow', flow.name, 'nodes', node.name, 'interface']
  const [only] = roles
  if (node.role === null) {
    if (roles.length === 1 && only !== undefined) return only
    problems.add('E0936', at, `"${node.name}" can be ${joined(roles)}; set \`interface\`.`, {
      node: node.name,
      expected: list(roles.map((role) => roleInterfaces[role])),
      found: 'nothing',
      help: `Write interface = "${only === undefined ? '' : roleInterfaces[only]}", or another of them.`,
    })
    return null
  }
  if (roles.includes(node.role)) return node.role
  const names = roles.map((role) => (node.component.kind === 'host' ? `a ${role}` : roleInterfaces[role]))
  const article = node.component.kind === 'host' ? joined(names) : names.join(', ')
  problems.add('E0934', at, `"${node.name}" is configured as ${node.role}, but ${what} ${article}.`, {
    node: node.name,
    expected: list(roles.map((role) => roleInterfaces[role])),
    found: roleInterfaces[node.role],
    help: `Write interface = "${only === undefined ? '' : roleInterfaces[only]}", or use another component.`,
  })
  return null
}

/** `source or sink`. */
function joined(words: readonly string[]): string {
  const last = words[words.length - 1] ?? 'nothing'
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}
