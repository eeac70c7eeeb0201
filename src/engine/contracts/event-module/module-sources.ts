/** One module's subscriptions while they are open: what comes from a source becomes an event of its queue. */
import type { RecordedEvent } from '../../../event-store/event-store.ts'
import type { GuestEvent } from '../../../shared/contracts/event-module.ts'
import type { Subscription } from '../../../shared/domain/module.ts'
import type { ChainId } from '../../../shared/domain/primitives.ts'
import type { HandledBlock } from '../../chains/heads/head-subscriber.ts'
import type { BlockEvent } from '../../chains/heads/header.ts'
import type { LogEvent } from '../../chains/logs/log-entry.ts'
import type { HandledLog } from '../../chains/logs/log-subscriber.ts'
import type { SourceNotice } from '../../chains/source-notice.ts'
import { feedSource, messageOf, parseFeedCursor } from '../../events/decider-feed/message-event.ts'
import type { Delivery, Projection } from '../../events/decider-feed/projection.ts'
import type { ModuleEvent } from '../../events/dispatcher.ts'
import type { MessageEvent } from '../../events/message-source.ts'
import type { SessionContext } from '../session.ts'
import {
  blockCursor,
  blockSource,
  logCursor,
  logSource,
  parseBlockCursor,
  parseLogCursor,
} from './cursors.ts'

type DeciderSubscription = Extract<Subscription, { kind: 'decider-events' }>
type LogSubscription = Extract<Subscription, { kind: 'log' }>

/** The last thing of each source that was taken into the queue; a successor's sources go on behind it. */
export interface Taken {
  readonly blocks: Map<ChainId, HandledBlock>
  readonly logs: Map<string, HandledLog>
  /** Deciders that are followed; each goes on through the successor. */
  readonly projections: Map<string, Projection>
}

export interface ModuleSourcesOptions {
  readonly context: Pick<SessionContext, 'name' | 'manifest' | 'sources' | 'log'>
  readonly offer: (event: ModuleEvent) => void
  readonly taken: Taken | undefined
}

export class ModuleSources {
  private readonly context: ModuleSourcesOptions['context']
  private readonly offer: ModuleSourcesOptions['offer']
  private closers: (() => void)[] = []
  private isOpen = false
  private cursors: Readonly<Record<string, string>> = {}
  readonly taken: Taken

  constructor(options: ModuleSourcesOptions) {
    this.context = options.context
    this.offer = options.offer
    this.taken = {
      blocks: new Map(options.taken?.blocks),
      logs: new Map(options.taken?.logs),
      projections: new Map(options.taken?.projections),
    }
  }

  /** Opens every subscription, unless they are open. `cursors` is what the module's store holds. */
  open(cursors: Readonly<Record<string, string>>): void {
    if (this.isOpen) return
    this.isOpen = true
    this.cursors = cursors
    for (const subscription of this.context.manifest.subscriptions) {
      this.closers.push(this.subscribe(subscription))
    }
    this.endProjections((source) => !this.wantedFeeds().has(source))
  }

  close(): void {
    for (const close of this.closers) close()
    this.closers = []
    this.isOpen = false
  }

  /** Closes for good: nothing goes on in a successor. */
  end(): void {
    this.close()
    this.taken.blocks.clear()
    this.taken.logs.clear()
    this.endProjections(() => true)
  }

  private subscribe(subscription: Subscription): () => void {
    const { sources, name } = this.context
    switch (subscription.kind) {
      case 'block': {
        const { chainId } = subscription
        const from =
          this.taken.blocks.get(chainId) ?? (subscription.backfill ? this.lastBlock(chainId) : null)
        return sources.blocks(
          chainId,
          from,
          (block) => this.onBlock(block),
          (notice) => this.onNotice(notice, chainId),
          subscription.backfill,
        )
      }
      case 'cron':
        return sources.cron(subscription.schedule, (firedAt) => this.onTick(firedAt))
      case 'log':
        return this.subscribeLogs(subscription)
      case 'message':
        return sources.messages.subscribe(subscription.contentTopic, name, subscription.echo, (message) =>
          this.onMessage(message),
        )
      case 'decider-events':
        this.follow(subscription)
        // It goes on through the successor: `end` closes it.
        return () => undefined
    }
  }

  private follow({ module: decider, types, from }: DeciderSubscription): void {
    const { sources, name, log } = this.context
    const source = feedSource(decider, types)
    const deliver = (event: RecordedEvent): Promise<Delivery> => this.onDecided(decider, source, event)
    const known = this.taken.projections.get(source)
    if (known !== undefined) {
      known.redirect(deliver, log)
      return
    }
    const position = parseFeedCursor(this.cursors[source])
    const options = { module: name, decider, source, types, from, position, deliver, onNotice: log }
    this.taken.projections.set(source, sources.deciders.follow(options))
  }

  private wantedFeeds(): Set<string> {
    const feeds = this.context.manifest.subscriptions.filter(
      (subscription) => subscription.kind === 'decider-events',
    )
    return new Set(feeds.map(({ module, types }) => feedSource(module, types)))
  }

  private endProjections(ends: (source: string) => boolean): void {
    for (const [source, projection] of this.taken.projections) {
      if (!ends(source)) continue
      projection.close()
      this.taken.projections.delete(source)
    }
  }

  private subscribeLogs(subscription: LogSubscription): () => void {
    const { chainId, addresses, topics, resume, maxLookback, batch } = subscription
    const source = logSource(chainId, { addresses, topics })
    const from = this.taken.logs.get(source) ?? (resume ? this.lastLog(source) : null)
    return this.context.sources.logs(
      chainId,
      { addresses, topics },
      { from, maxLookback, batch, onNotice: (notice) => this.onNotice(notice, chainId) },
      (logs) => this.onLogs(logs, source, resume),
    )
  }

  /** The last block whose handling the store holds. */
  private lastBlock(chainId: ChainId): HandledBlock | null {
    const cursor = this.cursors[blockSource(chainId)]
    return cursor === undefined ? null : parseBlockCursor(cursor)
  }

  private lastLog(source: string): HandledLog | null {
    const cursor = this.cursors[source]
    return cursor === undefined ? null : parseLogCursor(cursor)
  }

  private onBlock(block: BlockEvent): void {
    this.taken.blocks.set(block.chainId, block)
    const event: GuestEvent = {
      tag: 'block',
      val: {
        chainId: BigInt(block.chainId),
        number: block.number,
        hash: block.hash,
        timestamp: block.timestampMs,
      },
    }
    this.offer({
      operation: 'on-event',
      payload: event,
      cursor: { source: blockSource(block.chainId), value: blockCursor(block) },
      context: { eventType: 'block', chainId: block.chainId, blockNumber: Number(block.number) },
    })
  }

  /** Logs of one block; one alone unless the subscription asks for batches (spec nexum-host 8.1). */
  private onLogs(logs: readonly LogEvent[], source: string, resume: boolean): void {
    const last = logs[logs.length - 1]
    if (last === undefined) return
    const position: HandledLog = { number: last.blockNumber, blockHash: last.blockHash, index: last.logIndex }
    this.taken.logs.set(source, position)
    const event: GuestEvent = {
      tag: 'logs',
      val: logs.map((log) => ({
        chainId: BigInt(log.chainId),
        address: log.address,
        topics: [...log.topics],
        data: log.data,
        blockNumber: log.blockNumber,
        transactionHash: log.transactionHash,
        logIndex: log.logIndex,
      })),
    }
    this.offer({
      operation: 'on-event',
      payload: event,
      cursor: resume ? { source, value: logCursor(position) } : null,
      context: { eventType: 'logs', chainId: last.chainId, blockNumber: Number(last.blockNumber) },
    })
  }

  /** Settles when the tick was handled: until then the source sends no further one (spec nexum-host 10.5). */
  private onTick(firedAt: number): Promise<void> {
    const event: GuestEvent = { tag: 'tick', val: { firedAt: BigInt(firedAt) } }
    return new Promise((resolve) => {
      this.offer({
        operation: 'on-event',
        payload: event,
        cursor: null,
        context: { eventType: 'tick' },
        onSettled: () => resolve(),
      })
    })
  }

  private onMessage(message: MessageEvent): void {
    const { contentTopic, payload, timestampMs, sender } = message
    const event: GuestEvent = {
      tag: 'message',
      val: {
        contentTopic,
        payload,
        timestamp: BigInt(timestampMs),
        ...(sender === null ? {} : { sender }),
      },
    }
    this.offer({ operation: 'on-event', payload: event, cursor: null, context: { eventType: 'message' } })
  }

  /** Answers when the module has handled or refused it; its position is committed with what the module wrote. */
  private onDecided(decider: string, source: string, event: RecordedEvent): Promise<Delivery> {
    return new Promise((resolve) => {
      this.offer({
        operation: 'on-event',
        payload: messageOf(decider, event),
        cursor: { source, value: String(event.position), retried: true },
        context: { eventType: 'message' },
        onSettled: (dispatch) => {
          if (dispatch === undefined) resolve({ kind: 'dropped' })
          else if (dispatch.result === 'committed' || dispatch.error === null) resolve({ kind: 'handled' })
          else resolve({ kind: dispatch.result === 'failed' ? 'crashed' : 'refused', error: dispatch.error })
        },
      })
    })
  }

  private onNotice({ event, level, message }: SourceNotice, chainId: ChainId): void {
    this.context.log(level, event, message, undefined, { chainId })
  }
}
