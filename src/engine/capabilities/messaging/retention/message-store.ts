/** The engine's end of the message thread. */
import type { Clock } from '../../../clock.ts'
import type { MessageEvent } from '../../../events/message-source.ts'
import { ThreadClient } from '../../threads/thread-client.ts'
import { messagingFailure } from '../failure.ts'
import type { MessageOperations, MessageQuery, MessageThreadData } from './protocol.ts'

export interface MessageStoreOptions extends MessageThreadData {
  /** Built script of the message thread. */
  readonly entry: string | URL
  readonly clock: Clock
}

/** Retained messages. Each function fails with `HostFailure` where the disk does. */
export class MessageStore {
  private readonly thread: ThreadClient<MessageOperations>
  private readonly clock: Clock

  constructor({ entry, clock, file, maxAgeMs, maxMessages }: MessageStoreOptions) {
    const data: MessageThreadData = { file, maxAgeMs, maxMessages }
    this.thread = new ThreadClient({ entry, data, title: 'The store of messages' })
    this.clock = clock
  }

  /** Settles when the message is kept; messages are kept in the order of the calls. */
  async append(message: MessageEvent): Promise<void> {
    await this.orFailure(this.thread.request('append', { message, nowMs: this.clock.now() }))
  }

  /** The newest `limit` messages between the bounds, oldest first. */
  query(query: MessageQuery): Promise<MessageEvent[]> {
    return this.orFailure(this.thread.request('query', { ...query, nowMs: this.clock.now() }))
  }

  close(): Promise<void> {
    return this.thread.close()
  }

  private async orFailure<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      throw messagingFailure('internal', 'Messages cannot be kept on this machine.', { cause })
    }
  }
}
