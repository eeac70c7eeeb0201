/** Whether grants cover the imports that need one (spec flows 3.4: E0202). */
import { gateOf, type GateName } from '../file/keys/grants.ts'
import type { FlowDefinition, NodeDefinition } from '../file/model.ts'
import type { Problems } from '../file/reading/problems.ts'
import { allowAllKey, grantsOf } from './asks.ts'
import { gateBefore, gateWord, isEmptyGate } from './gates.ts'
import type { StageComponent } from './model.ts'

export function checkGrants(
  flow: FlowDefinition,
  worlds: ReadonlyMap<string, Extract<StageComponent, { ok: true }>>,
  granted: readonly string[] | undefined,
  problems: Problems,
): void {
  checkPolicy(flow, granted, problems)
  for (const node of flow.nodes) {
    const given = grantsOf(flow, node, granted)
    const needed = new Map<GateName, string>()
    for (const { name } of worlds.get(node.name)?.inspection.world.imports ?? []) {
      const gate = gateBefore(name)
      if (gate !== null && !needed.has(gate)) needed.set(gate, name)
    }
    for (const [gate, first] of needed)
      if (!given.includes(gate)) reportMissing(flow, node, gate, first, problems)
    reportEmpty(flow, node, problems)
  }
}

function checkPolicy(flow: FlowDefinition, granted: readonly string[] | undefined, problems: Problems): void {
  if (flow.settings.security.defaultPolicy !== 'allow-all' || granted?.includes(allowAllKey) === true) return
  problems.add(
    'E0202',
    ['security', 'default_capability_policy'],
    `Flow "${flow.name}" grants everything to its components (allow-all), which the operator has to confirm.`,
    {
      severity: granted === undefined ? 'warning' : 'error',
      expected: '"deny-all", or a confirmation',
      found: '"allow-all"',
      help: 'Confirm it when the flow is added, or grant by name under security.grants.',
    },
  )
}

function reportMissing(
  flow: FlowDefinition,
  node: NodeDefinition,
  gate: GateName,
  first: string,
  problems: Problems,
): void {
  const isInFile = node.grants.some((grant) => gateOf(grant) === gate)
  problems.add(
    'E0202',
    ['flow', flow.name, 'nodes', node.name, 'component'],
    `"${node.name}" needs ${first.replace(/@.*$/, '')}; grant ${gateWord(gate)} to it or use another component.`,
    {
      node: node.name,
      expected: `the grant "${gate}"`,
      found: isInFile ? 'a grant that the operator has not confirmed' : 'no such grant',
      help: isInFile
        ? 'Confirm what the flow asks for.'
        : `Add "${gate}" to capabilities of [security.grants.${node.name}].`,
    },
  )
}

/** A grant that opens nothing is told, so that nobody waits for what will not come. */
function reportEmpty(flow: FlowDefinition, node: NodeDefinition, problems: Problems): void {
  const gates = new Set(node.grants.flatMap((grant) => gateOf(grant) ?? []))
  for (const word of new Set([...gates].filter(isEmptyGate).map(gateWord))) {
    problems.add(
      'E0202',
      ['flow', flow.name, 'nodes', node.name],
      `"${node.name}" is granted ${word}, but Paddock has none for stages: what it does there fails.`,
      {
        severity: 'warning',
        node: node.name,
        expected: 'a grant of clocks or random',
        found: word,
        help: 'Bring data in and out by topics, chains and stores instead.',
      },
    )
  }
}
