/** The bus inside this process: the default (spec nexum-host 8.10). */
import type { Clock } from '../../clock.ts'
import type { MessageEvent } from '../../events/message-source.ts'
import type { MessagingBackend } from './backend.ts'
import type { MessageStore } from './retention/message-store.ts'
import type { MessageQuery } from './retention/protocol.ts'
import { Subscribers } from './subscribers.ts'

export class LocalBus implements MessagingBackend {
  private readonly store: MessageStore
  private readonly clock: Clock
  private readonly subscribers = new Subscribers()

  constructor(store: MessageStore, clock: Clock) {
    this.store = store
    this.clock = clock
  }

  subscribe(
    contentTopic: string,
    module: string,
    echo: boolean,
    listener: (message: MessageEvent) => void,
  ): () => void {
    return this.subscribers.subscribe(contentTopic, module, echo, listener)
  }

  async publish(module: string, contentTopic: string, payload: Uint8Array): Promise<void> {
    const message: MessageEvent = {
      contentTopic,
      payload,
      timestampMs: this.clock.now(),
      sender: new TextEncoder().encode(module),
    }
    await this.store.append(message)
    this.subscribers.deliver(message, module)
  }

  query(query: MessageQuery): Promise<MessageEvent[]> {
    return this.store.query(query)
  }

  async close(): Promise<void> {
    await this.store.close()
  }
}
