/** The messaging capability and event source as the operator set them. */
import path from 'node:path'
import type { Operator } from '../../../shared/domain/operator/operator.ts'
import type { Clock } from '../../clock.ts'
import type { MessageSource } from '../../events/message-source.ts'
import type { Capability } from '../capability.ts'
import { serviceSender } from '../services/service-http.ts'
import type { MessagingBackend } from './backend.ts'
import { LocalBus } from './local-bus.ts'
import { createMessagingCapability } from './messaging-capability.ts'
import { MessageStore } from './retention/message-store.ts'
import { WakuBus } from './waku/waku-bus.ts'
import { WakuClient } from './waku/waku-client.ts'

/** How often a Waku node is asked what arrived. */
const pollEveryMs = 1_000

export interface MessagingOptions {
  readonly settings: Operator['messaging']
  /** Folder for retained messages. */
  readonly folder: string
  /** Built script of the message thread. */
  readonly threadEntry: string | URL
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** Told when the Waku node is away, and when it is back. */
  readonly onState: (connected: boolean) => void
  readonly pollEveryMs?: number
}

export interface Messaging {
  /** Null when the operator switched it off, or when waku mode names no node. */
  readonly capability: Capability | null
  readonly source: MessageSource
  /** Publishes what the engine itself has to say, for a flow; null when messaging is off. */
  readonly publish: MessagingBackend['publish'] | null
  close(): Promise<void>
}

const silence: Messaging = {
  capability: null,
  source: { subscribe: () => () => undefined },
  publish: null,
  close: () => Promise.resolve(),
}

export function createMessaging(options: MessagingOptions): Messaging {
  const { settings, folder, threadEntry, clock, random, onState } = options
  const { mode, node, retention } = settings
  if (mode === 'off' || (mode === 'waku' && node === null)) return silence
  const store = new MessageStore({
    entry: threadEntry,
    clock,
    file: path.join(folder, 'messages.db'),
    maxAgeMs: retention.maxAgeMs,
    maxMessages: retention.maxMessages,
  })
  const backend: MessagingBackend =
    mode === 'local' || node === null
      ? new LocalBus(store, clock)
      : new WakuBus({
          client: new WakuClient(node, serviceSender('messaging')),
          store,
          clock,
          random,
          onState,
          pollEveryMs: options.pollEveryMs ?? pollEveryMs,
        })
  return {
    capability: createMessagingCapability(backend, clock),
    source: backend,
    publish: (publisher, topic, payload, signal) => backend.publish(publisher, topic, payload, signal),
    close: () => backend.close(),
  }
}
