/** What modules may ask of an engine, and the services behind it. */
import path from 'node:path'
import { createChainCapability } from '../capabilities/chain/chain-capability.ts'
import { logExchanges } from '../capabilities/http/exchange-log.ts'
import { createHttpCapability } from '../capabilities/http/http-capability.ts'
import { IdentityService } from '../capabilities/identity/identity-service.ts'
import { approvalNotices } from '../capabilities/identity/notices.ts'
import { createNetworks } from '../capabilities/networks.ts'
import { CapabilityRouter } from '../capabilities/router.ts'
import { Egress } from '../egress/egress.ts'
import type { EngineOptions } from '../engine-options.ts'
import { DeciderEvents } from '../events/decider-feed/decider-events.ts'
import type { Foundation, Whole } from './foundation.ts'

/** Answered inside the sandbox, without the engine (DESIGN.md "Processes and threads"). */
const sandboxCapabilities = ['local-store', 'logging', 'clock', 'random', 'database', 'key-value', 'entropy']
/** Answered by the broker of tools and by other tools (spec tools 3). */
const brokeredCapabilities = ['secrets', 'workspace', 'tool-invoke']

export type Capabilities = ReturnType<typeof createCapabilities>

export function createCapabilities(options: EngineOptions, foundation: Foundation, whole: Whole) {
  const { settings, entries } = options
  const { clock, random, operator, paths, state, logs, metrics, pool, chains, audit } = foundation
  const networks = createNetworks(options, { clock, random, chains, metrics, state })
  const identity = new IdentityService({
    settings: () => operator().identity,
    records: () => settings.get().modules,
    directory: paths.keystore,
    clock,
    audit,
    metrics: () => metrics,
    onApprovals: approvalNotices(state),
  })
  const deciderEvents = new DeciderEvents({
    entry: path.join(path.dirname(entries.sandbox), 'event-reader.cjs'),
    storesDirectory: paths.stores,
    clock,
    section: () => operator().stores.event,
  })
  const router = new CapabilityRouter({
    capabilities: [
      ...networks.capabilities,
      createChainCapability(pool, identity.signer, metrics),
      createHttpCapability({
        egress: new Egress(),
        limits: () => operator().limits.http,
        now: () => clock.monotonicMs(),
        onExchange: logExchanges(() => logs, clock),
      }),
      identity.capability,
      deciderEvents.capability,
    ],
    onFault: (capability, error) => whole.reportFault(`capability ${capability}`, error),
  })
  const provided: ReadonlySet<string> = new Set([
    ...router.provided,
    ...sandboxCapabilities,
    ...brokeredCapabilities,
  ])
  return { networks, identity, deciderEvents, router, provided }
}
