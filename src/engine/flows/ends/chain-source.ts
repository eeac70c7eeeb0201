/** Blocks and logs of a chain as elements of JSON; they resume behind the last element that the flow was done with. */
import { bytesToHex } from 'viem'
import type { BlockEvent } from '../../chains/heads/header.ts'
import type { HandledBlock } from '../../chains/heads/head-subscriber.ts'
import type { LogEvent } from '../../chains/logs/log-entry.ts'
import type { LogFilter } from '../../chains/logs/log-filter.ts'
import type { HandledLog } from '../../chains/logs/log-subscriber.ts'
import type { SourceNotice } from '../../chains/source-notice.ts'
import {
  blockCursor,
  logCursor,
  parseBlockCursor,
  parseLogCursor,
} from '../../contracts/event-module/cursors.ts'
import type { EventSources } from '../../events/sources.ts'
import type { SourceEnd, SourceEndContext } from './end.ts'
import { Feed, type FeedElement } from './feed.ts'

const json = 'application/json'
const encoder = new TextEncoder()

/** `{"chainId":"1","number":2,"hash":"0x…","timestampMs":3}` */
export function blockElement({ chainId, number, hash, timestampMs }: BlockEvent): Uint8Array {
  return encoder.encode(
    `{"chainId":"${chainId}","number":${number},"hash":"${bytesToHex(hash)}","timestampMs":${timestampMs}}`,
  )
}

/** As a block, with address, topics, data, blockNumber, blockHash, transactionHash and logIndex. */
export function logElement(log: LogEvent): Uint8Array {
  const topics = log.topics.map((topic) => `"${bytesToHex(topic)}"`).join(',')
  return encoder.encode(
    `{"chainId":"${log.chainId}","address":"${bytesToHex(log.address)}","topics":[${topics}],` +
      `"data":"${bytesToHex(log.data)}","blockNumber":${log.blockNumber},"blockHash":"${bytesToHex(log.blockHash)}",` +
      `"transactionHash":"${bytesToHex(log.transactionHash)}","logIndex":${log.logIndex}}`,
  )
}

/** Throws what the chain pool throws for a chain that is not configured. */
export function openBlocks(sources: EventSources, chainId: string, context: SourceEndContext): SourceEnd {
  let last: HandledBlock | null = parseBlockCursor(context.from ?? '')
  return openChainSource(context, (offer) =>
    sources.blocks(
      chainId,
      last,
      (block) => {
        const element = { bytes: blockElement(block), contentType: json, position: blockCursor(block) }
        if (offer(element)) last = block
      },
      (notice) => tell(context, notice),
    ),
  )
}

/** Throws what the chain pool throws for a chain that is not configured. */
export function openLogs(
  sources: EventSources,
  chainId: string,
  filter: LogFilter,
  context: SourceEndContext,
): SourceEnd {
  let last: HandledLog | null = parseLogCursor(context.from ?? '')
  return openChainSource(context, (offer) =>
    sources.logs(chainId, filter, { from: last, onNotice: (notice) => tell(context, notice) }, (logs) => {
      for (const log of logs) {
        const position: HandledLog = {
          number: log.blockNumber,
          blockHash: log.blockHash,
          index: log.logIndex,
        }
        // A log that is in no block yet has no position to go on behind.
        const isPlaced = log.blockHash.length > 0
        const cursor = isPlaced ? logCursor(position) : null
        if (!offer({ bytes: logElement(log), contentType: json, position: cursor })) return
        if (isPlaced) last = position
      }
    }),
  )
}

/** When the flow does not keep up, its subscription ends and begins again behind what waits: nothing piles up, nothing is lost. */
function openChainSource(
  context: SourceEndContext,
  subscribe: (offer: (element: FeedElement) => boolean) => () => void,
): SourceEnd {
  let unsubscribe = (): void => undefined
  let isHeld = false
  let isClosed = false
  const feed: Feed = new Feed({
    send: context.send,
    onRoom: () => {
      if (isClosed || !isHeld) return
      context.notice('debug', 'source.resumed', 'The flow has room again: its source goes on.')
      unsubscribe()
      isHeld = false
      unsubscribe = subscribe(offer)
    },
  })
  // Once one was refused none after it may be taken: the subscription begins anew behind the last one taken.
  const offer = (element: FeedElement): boolean => {
    if (isHeld) return false
    if (feed.offer(element)) return true
    isHeld = true
    context.notice('debug', 'source.held', 'The flow does not keep up: its source waits.')
    // It must not end inside its own delivery.
    queueMicrotask(() => {
      if (isHeld) unsubscribe()
    })
    return false
  }
  unsubscribe = subscribe(offer)
  return {
    want: (count) => feed.want(count),
    settle: (count) => feed.settle(count),
    dropped: 0,
    close: () => {
      isClosed = true
      unsubscribe()
    },
  }
}

function tell(context: SourceEndContext, { level, event, message }: SourceNotice): void {
  context.notice(level, event, message)
}
