/** Keeps a Waku node subscribed to the topics that are listened to, and fetches what arrives. */
import type { Clock } from '../../../clock.ts'
import type { WakuClient, WakuMessage } from './waku-client.ts'

export interface WakuPollerOptions {
  readonly client: WakuClient
  readonly clock: Clock
  /** In [0, 1); jitters the waits. */
  readonly random: () => number
  readonly pollEveryMs: number
  readonly topics: () => readonly string[]
  readonly onMessage: (message: WakuMessage) => void
  /** The node is away, or back. */
  readonly onState: (connected: boolean) => void
}

const firstDelayMs = 1_000
const maxDelayMs = 30_000

export class WakuPoller {
  private readonly options: WakuPollerOptions
  private subscribed = new Set<string>()
  private failures = 0
  private connected = true
  private round: Promise<void> | undefined
  private again = false
  private cancelTimer: () => void = () => undefined
  private readonly abort = new AbortController()

  constructor(options: WakuPollerOptions) {
    this.options = options
  }

  /** Looks at once: topics were added or left. */
  wake(): void {
    if (this.abort.signal.aborted) return
    if (this.round !== undefined) {
      this.again = true
      return
    }
    // While the node is away the wait goes on: a topic more is no reason to ask sooner.
    if (this.failures > 0) return
    this.start()
  }

  /** Ends for good; what is under way is called off. */
  async close(): Promise<void> {
    this.abort.abort()
    this.cancelTimer()
    await this.round
  }

  private start(): void {
    this.cancelTimer()
    this.round = this.look()
  }

  private async look(): Promise<void> {
    try {
      await this.once()
      this.failures = 0
      this.tell(true)
    } catch {
      // The node is away or refuses: it may have lost its subscriptions when it is back.
      this.subscribed.clear()
      this.failures += 1
      this.tell(false)
    }
    this.round = undefined
    if (this.abort.signal.aborted) return
    const idle = this.options.topics().length === 0 && this.subscribed.size === 0
    if (this.again && this.failures === 0) {
      this.again = false
      this.start()
    } else if (!idle || this.failures > 0) {
      this.cancelTimer = this.options.clock.after(this.delayMs(), () => this.start())
    }
  }

  private async once(): Promise<void> {
    const { client, onMessage } = this.options
    const { signal } = this.abort
    const wanted = new Set(this.options.topics())
    const left = [...this.subscribed].filter((topic) => !wanted.has(topic))
    if (left.length > 0) {
      await client.unsubscribe(left, signal)
      for (const topic of left) this.subscribed.delete(topic)
    }
    const missing = [...wanted].filter((topic) => !this.subscribed.has(topic))
    if (missing.length > 0) {
      await client.subscribe(missing, signal)
      for (const topic of missing) this.subscribed.add(topic)
    }
    for (const topic of wanted) {
      const messages = await client.drain(topic, signal)
      // Forgotten by the node, for instance because it was started anew: subscribed again in the next round.
      if (messages === null) this.subscribed.delete(topic)
      for (const message of messages ?? []) if (message.contentTopic === topic) onMessage(message)
    }
  }

  private delayMs(): number {
    const { random, pollEveryMs } = this.options
    if (this.failures === 0) return pollEveryMs
    const ceiling = Math.min(firstDelayMs * 2 ** Math.min(this.failures - 1, 10), maxDelayMs)
    return ceiling * (0.5 + random() / 2)
  }

  private tell(connected: boolean): void {
    if (connected === this.connected || this.abort.signal.aborted) return
    this.connected = connected
    this.options.onState(connected)
  }
}
