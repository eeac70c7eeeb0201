/** Who listens to which topic on this machine. */
import type { MessageEvent, MessageSource } from '../../events/message-source.ts'

interface Subscriber {
  readonly module: string
  readonly echo: boolean
  readonly listener: (message: MessageEvent) => void
}

export class Subscribers implements MessageSource {
  private readonly byTopic = new Map<string, Set<Subscriber>>()
  private readonly onTopics: () => void

  /** `onTopics` is called when the set of topics changed. */
  constructor(onTopics: () => void = () => undefined) {
    this.onTopics = onTopics
  }

  subscribe(
    contentTopic: string,
    module: string,
    echo: boolean,
    listener: (message: MessageEvent) => void,
  ): () => void {
    const subscriber: Subscriber = { module, echo, listener }
    const known = this.byTopic.get(contentTopic)
    if (known === undefined) {
      this.byTopic.set(contentTopic, new Set([subscriber]))
      this.onTopics()
    } else {
      known.add(subscriber)
    }
    return () => this.remove(contentTopic, subscriber)
  }

  topics(): string[] {
    return [...this.byTopic.keys()]
  }

  /** Hands a message to all who listen; to `publisher` only where it asked for its own. */
  deliver(message: MessageEvent, publisher: string | null): void {
    for (const { module, echo, listener } of [...(this.byTopic.get(message.contentTopic) ?? [])]) {
      if (echo || module !== publisher) listener(message)
    }
  }

  private remove(contentTopic: string, subscriber: Subscriber): void {
    const known = this.byTopic.get(contentTopic)
    if (known?.delete(subscriber) !== true || known.size > 0) return
    this.byTopic.delete(contentTopic)
    this.onTopics()
  }
}
