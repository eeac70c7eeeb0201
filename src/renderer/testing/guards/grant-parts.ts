/** What a module may do, part by part, as grants change it. */
import type { Grant, ModuleCapabilities } from '../../../shared/domain/capability-grants.ts'
import type { ModuleView } from '../../../shared/domain/module.ts'

const harmless = ['logging', 'clock', 'random']

/** What follows from a module's view alone. */
export function capabilitiesOf(module: ModuleView): ModuleCapabilities {
  const has = (name: string): boolean => module.capabilities.some((each) => each.name === name)
  return {
    module: module.name,
    capabilities: module.capabilities.map((each) => ({
      ...each,
      lastUsedAt: each.calls > 0 ? Date.now() - 4_000 : null,
      grantable: true,
      revocable: !harmless.includes(each.name),
    })),
    hosts: has('http')
      ? [
          { name: 'api.example.com', granted: true },
          { name: '*.workers.dev', granted: false },
        ]
      : [],
    topics: has('messaging') ? [{ name: '/paddock/1/orders/json', granted: true }] : null,
    methods: has('chain') ? [{ name: 'eth_sendRawTransaction', granted: false }] : [],
    identityMethods: has('identity') ? ['accounts', 'sign-typed-data'] : null,
    accounts: [],
    approval: 'ask',
    destinations: [],
  }
}

function set(list: readonly string[], entry: string, isIn: boolean): string[] {
  const without = list.filter((each) => each !== entry)
  return isIn ? [...without, entry] : without
}

/** The same after the operator granted one thing or took it back. */
export function toggledParts(view: ModuleCapabilities, grant: Grant, granted: boolean): ModuleCapabilities {
  const named = <T extends { name: string }>(list: readonly T[], name: string): T[] =>
    list.map((each) => (each.name === name ? { ...each, granted } : each))
  switch (grant.kind) {
    case 'capability':
      return {
        ...view,
        capabilities: view.capabilities.map((each) =>
          each.name === grant.name ? { ...each, verdict: granted ? 'granted' : 'refused' } : each,
        ),
      }
    case 'host':
      return { ...view, hosts: named(view.hosts, grant.pattern) }
    case 'topic':
      return { ...view, topics: view.topics === null ? null : named(view.topics, grant.pattern) }
    case 'method':
      return { ...view, methods: named(view.methods, grant.method) }
    case 'account':
      return { ...view, accounts: set(view.accounts, grant.address, granted) }
    case 'destination':
      return { ...view, destinations: set(view.destinations, grant.range, granted) }
  }
}
