/** The ends in the engine of one run: what feeds its host sources and takes from its host sinks. */
import { createHash } from 'node:crypto'
import {
  hostWindow,
  type FlowFigures,
  type HostElement,
  type ToFlow,
} from '../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { isContentTopic } from '../../capabilities/messaging/topics.ts'
import type { Messaging } from '../../capabilities/messaging/create-messaging.ts'
import { filterKey } from '../../chains/logs/log-filter.ts'
import type { Clock } from '../../clock.ts'
import type { EventSources } from '../../events/sources.ts'
import type { HostEnd } from '../file/host-end.ts'
import { openBlocks, openLogs } from './chain-source.ts'
import type { SinkEnd, SinkEndContext, SourceEnd, SourceEndContext } from './end.ts'
import { openLinesSink, openLinesSource } from './lines.ts'
import type { Positions } from './positions.ts'
import { settledElements } from './settled.ts'
import type { FlowStores } from './store-sink.ts'
import { openTopicSink } from './topic-sink.ts'
import { openTopicSource } from './topic-source.ts'

/** An end as the file names it, or lines that the command puts in its place. */
export type EndDefinition = HostEnd | { readonly kind: 'lines'; readonly file: string }

/** What the engine lends to the ends of its flows. */
export interface EndMeans {
  readonly clock: Clock
  readonly sources: EventSources
  readonly publish: Messaging['publish']
  readonly stores: FlowStores
  readonly isChainConfigured: (chainId: string) => boolean
}

export interface HostNode {
  readonly name: string
  readonly role: 'source' | 'sink'
  readonly end: EndDefinition
}

export interface RunEndsOptions {
  readonly flow: string
  readonly nodes: readonly HostNode[]
  readonly means: EndMeans
  readonly positions: Positions
  readonly mail: (letter: ToFlow) => void
  readonly notice: (
    node: string,
    level: 'debug' | 'info' | 'warn' | 'error',
    event: string,
    message: string,
  ) => void
  /** An end cannot go on: the flow fails for it. */
  readonly onFailed: (node: string, error: PaddockError) => void
}

interface OpenSource {
  readonly end: SourceEnd
  readonly key: string
  /** Elements that the program asked for and was not sent. */
  credit: number
}

export class RunEnds {
  private readonly options: RunEndsOptions
  private readonly sources = new Map<string, OpenSource>()
  private readonly sinks = new Map<string, SinkEnd>()

  constructor(options: RunEndsOptions) {
    this.options = options
  }

  /** Throws `flow.end_failed` and `module.chain_not_configured` when one of them cannot be. */
  open(): void {
    try {
      for (const node of this.options.nodes) {
        if (node.role === 'sink') this.sinks.set(node.name, this.openSink(node))
        else this.sources.set(node.name, this.openSource(node))
      }
    } catch (error) {
      for (const { end } of this.sources.values()) end.close()
      throw error
    }
  }

  /** False where the program asks for more than it has room for, or by a name that it does not have. */
  want(node: string, elements: number): boolean {
    const source = this.sources.get(node)
    if (source === undefined || source.credit + elements > hostWindow) return false
    source.credit += elements
    source.end.want(elements)
    return true
  }

  /** False where the program gives more than it had credit for, or by a name that it does not have. */
  accept(node: string, elements: readonly HostElement[]): boolean {
    const sink = this.sinks.get(node)
    if (sink === undefined || sink.pending + elements.length > hostWindow) return false
    sink.accept(elements)
    return true
  }

  /** Elements that sinks have taken and not dealt with. */
  get pending(): number {
    let pending = 0
    for (const sink of this.sinks.values()) pending += sink.pending
    return pending
  }

  /** Elements that sources dropped because the flow did not keep up. */
  get dropped(): number {
    let dropped = 0
    for (const { end } of this.sources.values()) dropped += end.dropped
    return dropped
  }

  /** Keeps the positions behind what the flow is surely done with. */
  settle(figures: FlowFigures): void {
    const { pending } = this
    for (const [name, { end, key }] of this.sources) {
      const position = end.settle(settledElements(figures, name, pending))
      if (position !== null) this.options.positions.set(key, position)
    }
  }

  /** Nothing comes from sources any more. */
  closeSources(): void {
    for (const { end } of this.sources.values()) end.close()
  }

  /** Settles once sinks have dealt with what they took. Never rejects. */
  async close(): Promise<void> {
    this.closeSources()
    await Promise.all([...this.sinks.values()].map((sink) => sink.close()))
  }

  /** Sinks take nothing more and try nothing again. */
  giveUp(): void {
    for (const sink of this.sinks.values()) sink.giveUp()
  }

  private openSource(node: HostNode): OpenSource {
    const key = `${node.name} ${sourceKey(node.end)}`
    const source = { key, credit: 0 }
    const end = this.sourceEnd(node, key, (elements) => {
      source.credit -= elements
    })
    return Object.assign(source, { end })
  }

  private sourceEnd({ name, end }: HostNode, key: string, onSent: (elements: number) => void): SourceEnd {
    const { flow, means, positions, mail } = this.options
    const context: SourceEndContext = {
      node: name,
      from: positions.get(key),
      send: (elements, closed) => {
        onSent(elements.length)
        mail({ kind: 'elements', node: name, elements, closed })
      },
      notice: (level, event, message) => this.options.notice(name, level, event, message),
      onFailed: (error) => this.options.onFailed(name, error),
    }
    switch (end.kind) {
      case 'topic':
        checkTopic(name, end.topic, means.publish)
        return openTopicSource(means.sources.messages, publisherOf(flow), end.topic, context)
      case 'blocks':
        this.checkChain(name, end.chainId)
        return openBlocks(means.sources, end.chainId, context)
      case 'logs':
        this.checkChain(name, end.chainId)
        return openLogs(means.sources, end.chainId, end.filter, context)
      case 'lines':
        return openLinesSource(end.file, context)
      case 'store':
        throw new PaddockError('flow.end_failed', `"${name}" is a store, which gives no elements.`)
    }
  }

  private openSink({ name, end }: HostNode): SinkEnd {
    const { flow, means, mail } = this.options
    const context: SinkEndContext = {
      node: name,
      credit: (elements) => mail({ kind: 'credit', node: name, elements }),
      notice: (level, event, message) => this.options.notice(name, level, event, message),
      onFailed: (error) => this.options.onFailed(name, error),
    }
    switch (end.kind) {
      case 'topic': {
        const { publish, clock } = means
        checkTopic(name, end.topic, publish)
        if (publish === null) throw messagingOff(name)
        return openTopicSink({ publish, publisher: publisherOf(flow), topic: end.topic, clock }, context)
      }
      case 'store':
        return means.stores.open(flow, end.name, context)
      case 'lines':
        return openLinesSink(end.file, means.clock, context)
      case 'blocks':
      case 'logs':
        throw new PaddockError('flow.end_failed', `"${name}" is a chain, which takes no elements.`)
    }
  }

  private checkChain(node: string, chainId: string): void {
    if (this.options.means.isChainConfigured(chainId)) return
    throw new PaddockError(
      'module.chain_not_configured',
      `"${node}" follows chain ${chainId}, which is not configured.`,
    )
  }
}

/** Messages of a flow carry this as their sender; no module has such a name. */
function publisherOf(flow: string): string {
  return `flow/${flow}`
}

function checkTopic(node: string, topic: string, publish: Messaging['publish']): void {
  if (publish === null) throw messagingOff(node)
  if (isContentTopic(topic)) return
  throw new PaddockError(
    'flow.end_failed',
    `"${node}" names the topic "${topic}"; a topic has the form /application/version/name/encoding.`,
  )
}

function messagingOff(node: string): PaddockError {
  return new PaddockError('flow.end_failed', `"${node}" is a topic, and messaging is switched off.`, {
    remedy: 'Switch messaging on in the settings.',
  })
}

/** Names a source by what it gives, so that a position never serves another one. */
function sourceKey(end: EndDefinition): string {
  switch (end.kind) {
    case 'blocks':
      return `blocks:${end.chainId}`
    case 'logs':
      return `logs:${end.chainId}:${createHash('sha256').update(filterKey(end.filter)).digest('hex').slice(0, 32)}`
    case 'topic':
    case 'lines':
    case 'store':
      return end.kind
  }
}
