/** The two JetStream streams of one module and the few ways in which they are read and written. */
import {
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
  type StreamState,
} from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { PaddockError } from '../../../shared/errors.ts'
import { apiCodeOf, apiCodes, natsFailure } from './failures.ts'
import type { Subjects } from './subjects.ts'

export interface ServerOptions {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  readonly subjects: Subjects
  /** Most bytes of the decisions; null for no bound. */
  readonly quotaBytes: number | null
  readonly replicas: number
}

export interface Message {
  readonly subject: string
  readonly seq: number
  readonly data: Uint8Array
  readonly headers: ReadonlyMap<string, string>
}

export interface PublishOptions {
  readonly expected: number
  /** How many events the message holds. */
  readonly events: number
  readonly timeoutMs: number
  /** The command's, null without one. */
  readonly id: string | null
}

/** Up to this many messages are asked for one by one; a consumer costs about as much as five. */
const singlyRead = 8
const pageMessages = 500
/** A consumer that nobody asks is forgotten by the server after this. */
const forgottenAfterMs = 30_000
const nanosPerMs = 1_000_000
export const eventCountHeader = 'Paddock-Events'

export class Server {
  private readonly options: ServerOptions

  constructor(options: ServerOptions) {
    this.options = options
  }

  /** Makes the streams unless they are there. Throws `store.*`. */
  async prepare(): Promise<void> {
    const { subjects, quotaBytes, replicas } = this.options
    const common = {
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      num_replicas: replicas,
      allow_direct: true,
      allow_rollup_hdrs: false,
    }
    await this.ensure({
      ...common,
      name: subjects.eventsStream,
      subjects: [subjects.allEvents],
      // Events are never changed nor taken away.
      deny_delete: true,
      deny_purge: true,
      max_bytes: quotaBytes ?? -1,
    })
    await this.ensure({
      ...common,
      name: subjects.keysStream,
      subjects: [subjects.allKeys],
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.Old,
    })
  }

  /** Whether the streams are there. Throws `store.*`. */
  async isPrepared(): Promise<boolean> {
    const { manager, subjects } = this.options
    return this.typed(async () => {
      try {
        await manager.streams.info(subjects.eventsStream)
        await manager.streams.info(subjects.keysStream)
        return true
      } catch (error) {
        if (apiCodeOf(error) === apiCodes.streamNotFound) return false
        throw error
      }
    })
  }

  async state(subjectsFilter?: string): Promise<StreamState> {
    const { manager, subjects } = this.options
    return this.typed(async () => {
      const info = await manager.streams.info(
        subjects.eventsStream,
        subjectsFilter === undefined ? {} : { subjects_filter: subjectsFilter },
      )
      return info.state
    })
  }

  /** The settings that keep events from changing, and how many are gone all the same. */
  async protection(): Promise<{ readonly isProtected: boolean; readonly deleted: number }> {
    const { manager, subjects } = this.options
    return this.typed(async () => {
      const { config, state } = await manager.streams.info(subjects.eventsStream)
      return { isProtected: config.deny_delete && config.deny_purge, deleted: state.num_deleted }
    })
  }

  /** The last decision of a stream. */
  async lastOf(subject: string): Promise<Message | null> {
    return this.get(this.options.subjects.eventsStream, { last_by_subj: subject })
  }

  async at(sequence: number): Promise<Message | null> {
    return this.get(this.options.subjects.eventsStream, { seq: sequence })
  }

  async firstFrom(subject: string, sequence: number): Promise<Message | null> {
    return this.get(this.options.subjects.eventsStream, { next_by_subj: subject, seq: sequence })
  }

  /**
   * Messages of a subject (which may be all) from a sequence on, up to `last`, which must be there. With `headersOnly`
   * the data are empty. `expected` is about how many there will be.
   */
  async *messages(
    subject: string,
    from: number,
    last: number,
    expected: number,
    headersOnly = false,
  ): AsyncIterableIterator<Message> {
    if (from > last) return
    if (expected > singlyRead) {
      yield* this.consumed(subject, from, last, headersOnly)
      return
    }
    for (let next = from; next <= last;) {
      const message = await this.firstFrom(subject, next)
      if (message === null || message.seq > last) return
      yield message
      next = message.seq + 1
    }
  }

  /**
   * Appends behind the message `expected` of the subject (0: it must have none). Null when there is another. A message
   * of the same `id`, on whatever subject, is not taken a second time within the server's window: then the sequence is
   * that of the first, and `isKnown` is set.
   */
  async publish(
    subject: string,
    data: Uint8Array,
    { expected, events, timeoutMs, id }: PublishOptions,
  ): Promise<{ readonly sequence: number; readonly isKnown: boolean } | null> {
    const { client, connection } = this.options
    const limit = connection.info?.max_payload ?? 1_048_576
    if (data.length + 1_024 > limit) {
      throw new PaddockError('store.too_large', 'The decision is larger than the event server takes.', {
        details: { bytes: data.length, limit },
      })
    }
    const extra = headers()
    extra.set(eventCountHeader, String(events))
    try {
      const options = {
        expect: { lastSubjectSequence: expected },
        headers: extra,
        timeout: timeoutMs,
        retries: 1,
        ...(id === null ? {} : { msgID: id }),
      }
      const { seq, duplicate } = await client.publish(subject, data, options)
      return { sequence: seq, isKnown: duplicate }
    } catch (error) {
      if (apiCodeOf(error) === apiCodes.wrongLastSequence) return null
      throw error
    }
  }

  /** The value of a key. */
  async key(subject: string): Promise<Message | null> {
    const message = await this.get(this.options.subjects.keysStream, { last_by_subj: subject })
    return message === null || message.headers.get(deletedHeader) !== undefined ? null : message
  }

  /** Sets a key; with `expected` only when its last message is that one (0: none). Answers whether it did. */
  async setKey(
    subject: string,
    data: Uint8Array,
    extra: Readonly<Record<string, string>> = {},
    expected?: number,
  ): Promise<boolean> {
    const all = headers()
    for (const [name, value] of Object.entries(extra)) all.set(name, value)
    return this.typed(async () => {
      try {
        const expect = expected === undefined ? {} : { expect: { lastSubjectSequence: expected } }
        await this.options.client.publish(subject, data, { headers: all, ...expect })
        return true
      } catch (error) {
        if (apiCodeOf(error) === apiCodes.wrongLastSequence) return false
        throw error
      }
    })
  }

  /** Takes a key away, leaving no trace. */
  async dropKey(subject: string): Promise<boolean> {
    const { manager, subjects } = this.options
    const known = await this.key(subject)
    if (known === null) return false
    await this.typed(() => manager.streams.purge(subjects.keysStream, { filter: subject }))
    return true
  }

  /** The values of all keys that match. */
  async keys(filter: string): Promise<Message[]> {
    const { manager, subjects } = this.options
    const info = await this.typed(() =>
      manager.streams.info(subjects.keysStream, { subjects_filter: filter }),
    )
    const names = Object.keys(info.state.subjects ?? {})
    const found = await Promise.all(names.map((name) => this.key(name)))
    return found.filter((message) => message !== null)
  }

  /** Decisions behind a sequence as they come. Ends with the signal. Throws `store.unavailable`. */
  async *live(after: number, signal: AbortSignal): AsyncIterableIterator<Message> {
    const { client, subjects } = this.options
    const consumer = await this.typed(() =>
      client.consumers.get(subjects.eventsStream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: after + 1,
      }),
    )
    const messages = await this.typed(() => consumer.consume({ max_messages: pageMessages }))
    const stop = (): void => messages.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (signal.aborted) return
      for await (const message of messages) yield taken(message)
    } catch (error) {
      throw natsFailure(error)
    } finally {
      signal.removeEventListener('abort', stop)
      messages.stop()
    }
  }

  private async *consumed(
    subject: string,
    from: number,
    last: number,
    headersOnly: boolean,
  ): AsyncIterableIterator<Message> {
    const { client, subjects } = this.options
    const consumer = await this.typed(() =>
      client.consumers.get(subjects.eventsStream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
        filter_subjects: subject,
        inactive_threshold: forgottenAfterMs * nanosPerMs,
        ...(headersOnly ? { headers_only: true } : {}),
      }),
    )
    const messages = await this.typed(() => consumer.consume({ max_messages: pageMessages }))
    try {
      for await (const message of messages) {
        if (message.seq > last) return
        yield taken(message)
        if (message.seq === last || message.info.pending === 0) return
      }
      // Whoever takes this for the end would miss what lies behind it.
      throw new PaddockError('store.unavailable', 'The event server broke off amid its messages.')
    } catch (error) {
      throw natsFailure(error)
    } finally {
      messages.stop()
      void consumer.delete().catch(() => undefined)
    }
  }

  private async get(
    stream: string,
    query: { seq: number } | { last_by_subj: string } | { next_by_subj: string; seq: number },
  ): Promise<Message | null> {
    const { manager, replicas } = this.options
    return this.typed(async () => {
      // Any copy answers directly, also one that lags; the stream's leader alone knows what was acknowledged.
      const message = await (replicas === 1
        ? manager.direct.getMessage(stream, query)
        : manager.streams.getMessage(stream, query))
      return message === null ? null : taken(message)
    })
  }

  private async ensure(config: Parameters<JetStreamManager['streams']['add']>[0]): Promise<void> {
    const { manager } = this.options
    await this.typed(async () => {
      try {
        await manager.streams.info(config.name)
      } catch (error) {
        if (apiCodeOf(error) !== apiCodes.streamNotFound) throw error
        await this.make(config)
      }
    })
  }

  /** Another engine may make the same stream at this moment: what counts is that it is there. */
  private async make(config: Parameters<JetStreamManager['streams']['add']>[0]): Promise<void> {
    const { streams } = this.options.manager
    try {
      await streams.add(config)
    } catch (error) {
      const code = apiCodeOf(error)
      if (code !== apiCodes.subjectsOverlap && code !== apiCodes.streamNameInUse) throw error
      await streams.info(config.name).catch(() => {
        throw error
      })
    }
  }

  private async typed<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      throw natsFailure(error)
    }
  }
}

const deletedHeader = 'KV-Operation'

function taken(
  message: Pick<StoredMsg, 'subject' | 'seq' | 'data'> & {
    readonly header?: StoredMsg['header']
    readonly headers?: StoredMsg['header'] | undefined
  },
): Message {
  const found = message.header ?? message.headers
  const all = new Map<string, string>()
  for (const name of found?.keys() ?? []) all.set(name, found?.get(name) ?? '')
  return { subject: message.subject, seq: message.seq, data: message.data, headers: all }
}
