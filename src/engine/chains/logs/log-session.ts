import { bytesToHex } from 'viem'
import type { Hex } from 'viem'
import type { Endpoint } from '../endpoint.ts'
import { headerRequest, readHeader } from '../heads/header.ts'
import type { BlockEvent, Header } from '../heads/header.ts'
import { chainLimits } from '../limits.ts'
import { ChainRequestError, asChainRequestError } from '../request-error.ts'
import { compareLogs, readLog } from './log-entry.ts'
import type { LogEntry } from './log-entry.ts'
import { filterMembers } from './log-filter.ts'
import type { LogFilter } from './log-filter.ts'
import { LogInbox } from './log-inbox.ts'
import type { LogProgress } from './log-progress.ts'
import { queryLogs } from './log-query.ts'

export interface LogSessionOptions {
  readonly endpoint: Endpoint
  readonly filter: LogFilter
  readonly signal: AbortSignal
  readonly progress: LogProgress
  /** Delivers the logs of all blocks from one to another, both included. */
  readonly backfill: (from: bigint, to: bigint) => Promise<void>
  readonly deliver: (entries: readonly LogEntry[]) => void
  readonly onRemoved: (entry: LogEntry) => void
  /** Takes the chain's heads while the session lasts. */
  readonly onHeads: (take: (block: BlockEvent) => void) => void
  readonly onDidOpen: () => void
}

type Item = { readonly log: LogEntry } | { readonly head: BlockEvent }

const invalidParams = -32602

/**
 * One connection's worth of logs (spec nexum-host 10.4): subscribe, read the head, fetch what was missed, then what
 * comes. Where the node does not push, each new head is asked for its logs. Rejects with ChainRequestError when the
 * endpoint fails; resolves when the signal is aborted.
 */
export async function runLogSession(options: LogSessionOptions): Promise<void> {
  const inbox = new LogInbox<Item>(options.signal)
  let unsubscribe: (() => void) | null = null
  try {
    unsubscribe = await subscribe(options, inbox)
    options.onHeads((head) => inbox.put({ head }))
    await openAt(options, await readHead(options, 'latest'))
    options.onDidOpen()
    for (;;) {
      const items = await inbox.takeAll()
      if (items === null) return
      await take(options, items, unsubscribe !== null)
    }
  } finally {
    unsubscribe?.()
    inbox.close()
  }
}

/** Null where the node must be asked instead. */
async function subscribe(options: LogSessionOptions, inbox: LogInbox<Item>): Promise<(() => void) | null> {
  const { endpoint, filter, signal } = options
  if (!endpoint.canPush) return null
  const listener = {
    onItem(item: unknown): void {
      try {
        inbox.put({ log: readLog(item) })
      } catch (error) {
        inbox.end(asChainRequestError(error))
      }
    },
    onEnd: (error: ChainRequestError) => inbox.end(error),
  }
  try {
    const params = JSON.stringify(['logs', filterMembers(filter)])
    return await endpoint.subscribe(params, listener, { timeoutMs: chainLimits.ownRequestMs, signal })
  } catch (error) {
    if (error instanceof ChainRequestError && error.kind === 'rpc') return null
    throw error
  }
}

async function openAt(options: LogSessionOptions, head: Header): Promise<void> {
  const { progress } = options
  // A chain far below is another one: it was started anew.
  if (!progress.hasBegun || head.number + chainLimits.logBranchBlocks < progress.next) {
    progress.begin(head.number)
    progress.reached(head.number, head.hash)
    return
  }
  const from = await progress.restart((number) => hashAt(options, number))
  await options.backfill(from, head.number)
  progress.reached(head.number, head.hash)
}

async function take(options: LogSessionOptions, items: readonly Item[], isPushed: boolean): Promise<void> {
  const logs: LogEntry[] = []
  for (const item of items) {
    if ('log' in item) {
      if (item.log.removed) options.onRemoved(item.log)
      else logs.push(item.log)
    } else if (!isPushed) await takeHead(options, item.head)
  }
  // What arrived together is put in order, branch by branch.
  options.deliver(isOneBlock(logs) ? logs.sort(compareLogs) : logs)
  const newest = items.reduce<BlockEvent | null>((last, item) => ('head' in item ? item.head : last), null)
  if (isPushed && newest !== null) options.progress.reached(newest.number, bytesToHex(newest.hash))
}

function isOneBlock(logs: readonly LogEntry[]): boolean {
  return logs.every((log) => log.blockHash === logs[0]?.blockHash)
}

/** Asks for the logs of a new head by its hash, so that a node that lags cannot answer with none. */
async function takeHead(options: LogSessionOptions, head: BlockEvent): Promise<void> {
  const { progress, endpoint, filter, signal } = options
  const hash = bytesToHex(head.hash)
  if (progress.isKnown(head.number, hash) || progress.isCovered(head.number)) return
  if (head.number > progress.next) {
    // Heads were skipped, or come late one by one: all up to the newest at once.
    const newest = await readHead(options, 'latest')
    await options.backfill(progress.next, newest.number)
    progress.cover(newest.number, newest.hash)
    if (newest.number >= head.number) return
  }
  try {
    options.deliver(await queryLogs(endpoint, filter, { blockHash: hash }, signal))
  } catch (error) {
    // Nodes older than EIP-234 know no hash here.
    if (!(error instanceof ChainRequestError) || error.rpcCode !== invalidParams) throw error
    options.deliver(await queryLogs(endpoint, filter, { first: head.number, last: head.number }, signal))
  }
  progress.reached(head.number, hash)
}

async function readHead(options: LogSessionOptions, number: bigint | 'latest'): Promise<Header> {
  const answer = await options.endpoint.call(headerRequest(number), {
    timeoutMs: chainLimits.ownRequestMs,
    signal: options.signal,
  })
  if (!answer.ok) throw answer.error
  const value: unknown = JSON.parse(answer.result)
  if (value === null) throw new ChainRequestError('no-answer', 'The node does not have the block asked for.')
  return readHeader(value)
}

async function hashAt(options: LogSessionOptions, number: bigint): Promise<Hex | null> {
  try {
    return (await readHead(options, number)).hash
  } catch (error) {
    if (error instanceof ChainRequestError && error.kind === 'no-answer') return null
    throw error
  }
}
