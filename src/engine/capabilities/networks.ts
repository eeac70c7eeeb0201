/** Capabilities that reach services beside chains: messages, remote content, order books. */
import path from 'node:path'
import { PaddockError } from '../../shared/errors.ts'
import type { ChainService } from '../chains/chain-service.ts'
import type { Clock } from '../clock.ts'
import type { EngineOptions } from '../engine-options.ts'
import type { MessageSource } from '../events/message-source.ts'
import type { StateHub } from '../state-hub.ts'
import type { MetricsPort } from '../telemetry/metrics/metrics-port.ts'
import type { Capability } from './capability.ts'
import { createCowApiCapability } from './cow-api/cow-api-capability.ts'
import { createMessaging, type Messaging } from './messaging/create-messaging.ts'
import { createRemoteStore } from './remote-store/create-remote-store.ts'
import { serviceSender } from './services/service-http.ts'

/** What the engine lends them. */
export interface NetworkServices {
  readonly clock: Clock
  readonly random: () => number
  readonly chains: Pick<ChainService, 'configs'>
  readonly metrics: Pick<MetricsPort, 'cowSubmit'>
  readonly state: StateHub
}

export interface Networks {
  readonly capabilities: readonly Capability[]
  readonly messages: MessageSource
  /** Publishes a message that no module sends; null when messaging is off. Rejects with `HostFailure`. */
  readonly publish: Messaging['publish']
  /** Writes what waits and ends the threads. */
  close(): Promise<void>
}

/** As the operator set them now; other settings take effect with the next start. */
export function createNetworks(options: EngineOptions, services: NetworkServices): Networks {
  const { settings, stateDir, entries } = options
  const { clock, random, chains, metrics, state } = services
  const { operator } = settings.get()
  const messaging = createMessaging({
    settings: operator.messaging,
    folder: path.join(stateDir, 'messaging'),
    threadEntry: entries.messageStore,
    clock,
    random,
    onState: (connected) => tellWaku(state, connected),
  })
  const remoteStore = createRemoteStore({
    settings: operator.remoteStore,
    folder: path.join(stateDir, 'remote-store'),
    threadEntry: entries.contentStore,
    clock,
  })
  const cowApi = createCowApiCapability({
    override: (chainId) => chains.configs().find((chain) => chain.chainId === chainId)?.orderbookUrl ?? null,
    send: serviceSender('cow-api'),
    onSubmit: (chainId, taken) => metrics.cowSubmit(chainId, taken ? 'ok' : 'err'),
  })
  const provided = [messaging.capability, remoteStore.capability, cowApi]
  return {
    capabilities: provided.filter((capability) => capability !== null),
    messages: messaging.source,
    publish: messaging.publish,
    close: async () => {
      await Promise.all([messaging.close(), remoteStore.close()])
    },
  }
}

function tellWaku(state: StateHub, connected: boolean): void {
  if (connected) state.clear('waku')
  else state.raise('waku', 'warn', { kind: 'engine' }, wakuAway().toReport())
}

function wakuAway(): PaddockError {
  return new PaddockError('messaging.node_away', 'The Waku node cannot be reached; no messages arrive.')
}
