/** Messages over the Waku network through a node (spec nexum-host 8.10). */
import { createHash } from 'node:crypto'
import type { Clock } from '../../../clock.ts'
import type { MessageEvent } from '../../../events/message-source.ts'
import type { MessagingBackend } from '../backend.ts'
import type { MessageStore } from '../retention/message-store.ts'
import type { MessageQuery } from '../retention/protocol.ts'
import { maxPayloadBytes } from '../limits.ts'
import { Subscribers } from '../subscribers.ts'
import { maxTimeNs, type WakuClient, type WakuMessage } from './waku-client.ts'
import { WakuPoller } from './waku-poller.ts'

const nanosPerMilli = 1_000_000n
/** Messages remembered so that none is delivered twice. */
const maxRemembered = 10_000

export interface WakuBusOptions {
  readonly client: WakuClient
  readonly store: MessageStore
  readonly clock: Clock
  readonly random: () => number
  readonly pollEveryMs: number
  readonly onState: (connected: boolean) => void
}

export class WakuBus implements MessagingBackend {
  private readonly options: WakuBusOptions
  private readonly subscribers: Subscribers
  private readonly poller: WakuPoller
  /** Digests of what was published or delivered here, oldest first. */
  private readonly seen = new Set<string>()
  private lastTimeNs = 0n

  constructor(options: WakuBusOptions) {
    this.options = options
    const { client, clock, random, pollEveryMs, onState } = options
    this.subscribers = new Subscribers(() => this.poller.wake())
    this.poller = new WakuPoller({
      client,
      clock,
      random,
      pollEveryMs,
      topics: () => this.subscribers.topics(),
      onMessage: (message) => this.onMessage(message),
      onState,
    })
  }

  subscribe(
    contentTopic: string,
    module: string,
    echo: boolean,
    listener: (message: MessageEvent) => void,
  ): () => void {
    return this.subscribers.subscribe(contentTopic, module, echo, listener)
  }

  async publish(
    module: string,
    contentTopic: string,
    payload: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, store } = this.options
    const sent: WakuMessage = { contentTopic, payload, timestampNs: this.nextTimeNs() }
    const message = this.received(sent)
    await store.append(message)
    // The node hands it back with what it relays: that copy is not another message.
    this.remember(digestOf(sent))
    await client.publish(sent, signal)
    this.subscribers.deliver(message, module)
  }

  async query(query: MessageQuery, signal: AbortSignal): Promise<MessageEvent[]> {
    const { contentTopic, startMs, endMs, limit } = query
    const startNs = startMs * nanosPerMilli
    if (startNs > maxTimeNs) return []
    const endNs = (endMs + 1n) * nanosPerMilli - 1n
    const { client, store } = this.options
    const found = await client.history(
      contentTopic,
      startNs,
      endNs > maxTimeNs ? maxTimeNs : endNs,
      limit,
      signal,
    )
    // A node without history: what this host saw itself.
    if (found === null) return store.query(query)
    return found.map((message) => ({
      contentTopic: message.contentTopic,
      payload: message.payload,
      timestampMs: Number(message.timestampNs / nanosPerMilli),
      sender: null,
    }))
  }

  async close(): Promise<void> {
    await this.poller.close()
    await this.options.store.close()
  }

  private onMessage(arrived: WakuMessage): void {
    if (arrived.payload.length > maxPayloadBytes || !this.remember(digestOf(arrived))) return
    const message = this.received(arrived)
    // Delivery does not wait for the disk, and a disk that fails stops no message.
    void this.options.store.append(message).catch(() => undefined)
    this.subscribers.deliver(message, null)
  }

  /** As this host received it now. The network does not say who sent it. */
  private received({ contentTopic, payload }: WakuMessage): MessageEvent {
    return { contentTopic, payload, timestampMs: this.options.clock.now(), sender: null }
  }

  /** Whether it was not seen before. */
  private remember(digest: string): boolean {
    if (this.seen.has(digest)) return false
    this.seen.add(digest)
    if (this.seen.size > maxRemembered) {
      for (const oldest of this.seen) {
        this.seen.delete(oldest)
        break
      }
    }
    return true
  }

  /** Ascending, so that two equal payloads in one millisecond are two messages. */
  private nextTimeNs(): bigint {
    const now = BigInt(Math.floor(this.options.clock.now())) * nanosPerMilli
    this.lastTimeNs = now > this.lastTimeNs ? now : this.lastTimeNs + 1n
    return this.lastTimeNs
  }
}

function digestOf({ contentTopic, payload, timestampNs }: WakuMessage): string {
  return createHash('sha256').update(`${contentTopic} ${timestampNs} `).update(payload).digest('base64')
}
