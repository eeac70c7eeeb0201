/** What a flow asks the operator for (spec flows 3.4): everything its file grants to guests. */
import { gateNames, gateOf } from '../file/keys/grants.ts'
import type { FlowDefinition, NodeDefinition } from '../file/model.ts'
import { gateWord, isEmptyGate } from './gates.ts'
import type { FlowAsk } from './model.ts'

/** Key of the ask for `default_capability_policy = "allow-all"`. */
export const allowAllKey = 'allow-all'

/** The asks of a flow, in the order of its nodes. */
export function asksOf(flow: FlowDefinition): FlowAsk[] {
  const asks: FlowAsk[] = []
  if (flow.settings.security.defaultPolicy === 'allow-all') {
    asks.push({
      key: allowAllKey,
      node: null,
      capability: allowAllKey,
      title: `Grants everything to every component of "${flow.name}"`,
      risky: true,
    })
  }
  for (const node of flow.nodes) {
    if (node.component.kind === 'host') continue
    for (const grant of node.grants) {
      const gate = gateOf(grant)
      if (gate === null || gate === undefined) continue
      asks.push({
        key: askKey(node, grant),
        node: node.name,
        capability: grant,
        title: `Lets "${node.name}" use ${gateWord(gate)} (${grant})`,
        risky: isEmptyGate(gate),
      })
    }
  }
  return asks
}

/** What a node is given: names of gates, and scoped grants as the file has them. `granted` undefined gives all. */
export function grantsOf(
  flow: FlowDefinition,
  node: NodeDefinition,
  granted: readonly string[] | undefined,
): string[] {
  const allowsAll = flow.settings.security.defaultPolicy === 'allow-all'
  if (allowsAll && (granted === undefined || granted.includes(allowAllKey)))
    return [...gateNames, ...node.grants]
  const own = node.grants.filter((grant) => {
    const gate = gateOf(grant)
    return granted === undefined || gate === null || granted.includes(askKey(node, grant))
  })
  return [...new Set([...own, ...own.flatMap((grant) => gateOf(grant) ?? [])])]
}

function askKey(node: NodeDefinition, grant: string): string {
  return `${node.name}/${grant}`.slice(0, 256)
}
