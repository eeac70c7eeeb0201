/** Grants of a flow file, `[security.grants.NAME] capabilities = [...]` (spec flows 3.4). */
import { nearest } from '../../../modules/manifest/nearest.ts'
import { quoted } from '../../../modules/manifest/table-reader.ts'
import type { KeyReader } from '../reading/key-reader.ts'

/** By the name they stand under: a component, or a node. */
export type GrantTable = ReadonlyMap<string, readonly string[]>

/** Capabilities of spec flows 3.4 by the forms that scoped grants have. */
export const gateNames = [
  'wasi-filesystem-read',
  'wasi-filesystem-write',
  'wasi-network-egress',
  'wasi-clocks',
  'wasi-random',
  'wasi-environment',
] as const
export type GateName = (typeof gateNames)[number]

/** Domains of scoped grants, `domain:action[:scope]`, and what each action opens. */
const scoped: Readonly<Record<string, Readonly<Record<string, GateName | null>>>> = {
  filesystem: { read: 'wasi-filesystem-read', write: 'wasi-filesystem-write' },
  network: {
    egress: 'wasi-network-egress',
    'tcp-connect': 'wasi-network-egress',
    'tcp-listen': 'wasi-network-egress',
    udp: 'wasi-network-egress',
    'http-outgoing': 'wasi-network-egress',
  },
  clock: { wall: 'wasi-clocks', monotonic: 'wasi-clocks' },
  random: { crypto: 'wasi-random', insecure: 'wasi-random' },
  environment: { read: 'wasi-environment' },
  stdio: { stdout: null, stderr: null },
  torvyn: {
    'resource-allocate': null,
    'pool-access': null,
    'emit-backpressure': null,
    'inspect-flow-meta': null,
    'runtime-inspect': null,
    'custom-metrics': null,
  },
}

/** The gate that a grant opens, null where it opens none, undefined where it is no grant. */
export function gateOf(grant: string): GateName | null | undefined {
  const name = gateNames.find((candidate) => candidate === grant)
  if (name !== undefined) return name
  const [domain = '', action = '', ...scope] = grant.split(':')
  const actions = Object.hasOwn(scoped, domain) ? scoped[domain] : undefined
  if (actions === undefined || !Object.hasOwn(actions, action)) return undefined
  return scope.length > 0 && scope.join(':').trim() === '' ? undefined : actions[action]
}

export function readGrants(table: KeyReader): GrantTable {
  const grants = new Map<string, readonly string[]>()
  for (const name of table.keys()) {
    const component = table.child(name)
    const capabilities = component.strings('capabilities') ?? []
    for (const [index, capability] of capabilities.entries()) {
      if (gateOf(capability) === undefined) reportUnknown(component, index, capability)
    }
    component.finish()
    grants.set(
      name,
      capabilities.filter((capability) => gateOf(capability) !== undefined),
    )
  }
  table.finish()
  return grants
}

function reportUnknown(component: KeyReader, index: number, capability: string): void {
  const forms = Object.entries(scoped).flatMap(([domain, actions]) =>
    Object.keys(actions).map((action) => `${domain}:${action}`),
  )
  const form = capability.split(':').slice(0, 2).join(':')
  const suggestion = nearest(form, [...gateNames, ...forms])
  component.badAt(
    ['capabilities', index],
    quoted(capability),
    'a capability: "wasi-clocks" and the like, or "domain:action" with or without ":scope"',
    suggestion === null
      ? `Known are ${[...gateNames, ...forms].join(', ')}.`
      : `Did you mean "${suggestion}"?`,
  )
}
