import { hexToBytes, toHex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalNode } from '../../../../test/support/local-node.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { until } from '../../../../test/support/until.ts'
import { chainConfigSchema } from '../../../shared/domain/chain.ts'
import type { ChainConfig } from '../../../shared/domain/chain.ts'
import { ChainPool } from '../chain-pool.ts'
import type { SourceNotice } from '../source-notice.ts'
import type { LogEvent } from './log-entry.ts'
import type { LogFilter } from './log-filter.ts'
import type { LogSubscription } from './log-subscriber.ts'

const address = `0x${'a1'.repeat(20)}`
const other = `0x${'b2'.repeat(20)}`
const topic = `0x${'c3'.repeat(32)}`
const everything = { addresses: [], topics: [] }
const ofAddress = { addresses: [address], topics: [] }

let node: LocalNode
let clock: ManualClock
let pool: ChainPool

beforeEach(async () => {
  clock = new ManualClock()
  node = await new LocalNode().start()
  pool = new ChainPool({ clock, random: () => 1 })
})

afterEach(async () => {
  pool.dispose()
  await until(() => expect(clock.pending).toBe(0))
  await node.stop()
})

function configure(transport: 'ws' | 'http', change: Partial<ChainConfig> = {}): void {
  const endpoints = [{ url: node[transport] }]
  pool.configure([
    chainConfigSchema.parse({ chainId: '1', name: 'Test', endpoints, pollIntervalMs: 1_000, ...change }),
  ])
}

interface Listener {
  readonly events: (readonly LogEvent[])[]
  readonly notices: SourceNotice[]
  /** `block:index` of each log delivered. */
  places(): string[]
  end(): void
}

function listen(filter: LogFilter = ofAddress, options: LogSubscription = {}): Listener {
  const events: (readonly LogEvent[])[] = []
  const notices: SourceNotice[] = []
  const onNotice = (notice: SourceNotice): void => void notices.push(notice)
  const end = pool.subscribeLogs('1', filter, (logs) => events.push(logs), { onNotice, ...options })
  return {
    events,
    notices,
    end,
    places: () => events.flat().map((log) => `${log.blockNumber}:${log.logIndex}`),
  }
}

/** The stream began: it knows the head. */
async function untilOpen(): Promise<void> {
  await until(() => expect(pool.views()[0]!.status).toBe('live'))
  const isPolled = node.methods().every((method) => method !== 'eth_subscribe')
  const latest = (text: string): boolean => text.includes('"latest"')
  await until(() => expect(node.received.filter(latest).length).toBeGreaterThanOrEqual(2))
  if (!isPolled) await until(() => expect(node.logSubscriptions.length).toBeGreaterThan(0))
  await pool.request('1', 'eth_blockNumber', '[]')
}

/** Lets polls fall due until it holds. */
async function pass(expectation: () => void): Promise<void> {
  await until(() => {
    clock.advance(1_000)
    expectation()
  })
}

function handledLog(number: number, index: number): { number: bigint; blockHash: Uint8Array; index: number } {
  const blockHash = hexToBytes(node.chain[number]!.hash as `0x${string}`)
  return { number: BigInt(number), blockHash, index }
}

describe.each(['ws', 'http'] as const)('logs over %s', (transport) => {
  it('spec nexum-host 18 row 28: come one by one with all that a guest gets', async () => {
    node.mine(3)
    configure(transport)
    const listener = listen()
    await untilOpen()
    node.mineLogs({ address, topic, data: '0x0102' }, { address: other }, { address })
    await pass(() => expect(listener.places()).toEqual(['4:0', '4:2']))
    expect(listener.events.map((logs) => logs.length)).toEqual([1, 1])
    expect(listener.events[0]![0]).toEqual({
      chainId: '1',
      address: hexToBytes(address as `0x${string}`),
      topics: [hexToBytes(topic as `0x${string}`)],
      data: Uint8Array.of(1, 2),
      blockNumber: 4n,
      blockHash: hexToBytes(node.head.hash as `0x${string}`),
      transactionHash: expect.any(Uint8Array) as Uint8Array,
      logIndex: 0,
    })
    expect(listener.events[0]![0]!.transactionHash).toHaveLength(32)
  })

  it('spec nexum-host 18 row 28: batches are never empty and of one block', async () => {
    configure(transport)
    const listener = listen(everything, { batch: true })
    await untilOpen()
    node.mine()
    node.mineLogs({ address }, { address: other })
    node.mineLogs({ address })
    await pass(() => expect(listener.places()).toEqual(['2:0', '2:1', '3:0']))
    expect(listener.events.map((logs) => logs.map((log) => log.blockNumber))).toEqual([[2n, 2n], [3n]])
  })

  it('spec nexum-host 18 row 58: two modules share one upstream filter', async () => {
    configure(transport)
    const one = listen({ addresses: [address, other], topics: [[topic]] })
    const two = listen({ addresses: [other.toUpperCase().replace('0X', '0x'), address], topics: [[topic]] })
    await untilOpen()
    node.mineLogs({ address, topic }, { address: other }, { address: other, topic })
    await pass(() => expect(one.places()).toEqual(['1:0', '1:2']))
    expect(two.places()).toEqual(one.places())
    expect(pool.views()[0]!.logFilters).toBe(1)
    if (transport === 'ws') expect(node.logSubscriptions).toHaveLength(1)
    else expect(node.methods().filter((method) => method === 'eth_getLogs')).toHaveLength(1)
    one.end()
    two.end()
    expect(pool.views()[0]!.logFilters).toBe(0)
  })

  it('spec nexum-host 18 row 59: each log that was missed comes once, in order', async () => {
    configure(transport)
    const listener = listen()
    await untilOpen()
    node.mineLogs({ address })
    await pass(() => expect(listener.places()).toEqual(['1:0']))
    await node.stop()
    node.mineLogs({ address })
    node.mine(2)
    node.mineLogs({ address }, { address: other }, { address })
    await node.start()
    await pass(() => expect(listener.places()).toEqual(['1:0', '2:0', '5:0', '5:2']))
    node.mineLogs({ address })
    await pass(() => expect(listener.places()).toEqual(['1:0', '2:0', '5:0', '5:2', '6:0']))
    // Over http nothing was asked while the node was away.
    if (transport === 'http') return
    expect(listener.notices.map((notice) => notice.event)).toContain('source_down')
    expect(listener.notices.map((notice) => notice.event)).toContain('source_up')
  })

  it('spec nexum-host 18 row 59: of 12000 missed blocks the newest 10000 are fetched, with a warning', async () => {
    configure(transport)
    const listener = listen()
    await untilOpen()
    await node.stop()
    node.mineLogs({ address })
    node.mine(1_998)
    node.mineLogs({ address })
    node.mineLogs({ address })
    node.mine(9_998)
    node.mineLogs({ address })
    await node.start()
    await pass(() => expect(listener.places()).toEqual(['2001:0', '12000:0']))
    expect(listener.notices.find((notice) => notice.event === 'gap_dropped')).toMatchObject({
      level: 'warn',
      message: 'Logs of blocks 1 to 2000 were missed: they are too far back to fetch.',
    })
    const asked = node.received.filter((text) => text.includes('fromBlock'))
    const first = asked.map(
      (text) => JSON.parse(text) as { params: { fromBlock: string; toBlock: string }[] },
    )
    for (const { params } of first) {
      expect(Number(params[0]!.toBlock) - Number(params[0]!.fromBlock)).toBeLessThan(1_000)
    }
  })

  it('spec nexum-host 18 row 61: go on behind the stored entry, or replay its block if that changed', async () => {
    node.mineLogs({ address })
    node.mineLogs({ address }, { address }, { address })
    node.mineLogs({ address })
    configure(transport)
    const same = listen(ofAddress, { from: handledLog(2, 1) })
    const changed = listen(ofAddress, {
      from: { number: 2n, blockHash: new Uint8Array(32).fill(9), index: 1 },
    })
    await until(() => expect(same.places()).toEqual(['2:2', '3:0']))
    await until(() => expect(changed.places()).toEqual(['2:0', '2:1', '2:2', '3:0']))
    await untilOpen()
    node.mineLogs({ address })
    await pass(() => expect(same.places()).toEqual(['2:2', '3:0', '4:0']))
    await pass(() => expect(changed.places()).toHaveLength(5))
  })

  it('a log of a block that replaced another comes, what was delivered does not come again', async () => {
    configure(transport)
    const listener = listen()
    await untilOpen()
    node.mineLogs({ address })
    await pass(() => expect(listener.places()).toEqual(['1:0']))
    node.mine(2)
    await pass(() => expect(pool.views()[0]!.head!.number).toBe(3))
    node.reorganise(2)
    node.mineLogs({ address })
    await pass(() => expect(listener.places()).toEqual(['1:0', '4:0']))
  })

  it('gives up a chunk that fails six times, with an error, and goes on behind it', async () => {
    configure(transport)
    const listener = listen()
    await untilOpen()
    await node.stop()
    node.mineLogs({ address })
    await node.start()
    node.answers.set('eth_getLogs', '"error":{"code":-32000,"message":"no"}')
    await until(() => {
      clock.advance(500)
      expect(listener.notices.find((notice) => notice.event === 'gap_failed')).toMatchObject({
        level: 'error',
      })
    })
    expect(node.received.filter((text) => text.includes('fromBlock'))).toHaveLength(6)
    node.answers.delete('eth_getLogs')
    node.mineLogs({ address })
    await pass(() => expect(listener.places().at(-1)).toBe('2:0'))
  })
})

it('spec nexum-host 18 row 58: removed logs are counted and not delivered', async () => {
  configure('ws')
  const listener = listen()
  await untilOpen()
  node.mineLogs({ address }, { address })
  await until(() => expect(listener.places()).toEqual(['1:0', '1:1']))
  node.reorganise(1)
  node.mineLogs({ address })
  await until(() => expect(listener.places()).toEqual(['1:0', '1:1', '2:0']))
  expect(pool.views()[0]!.logsRemoved).toBe(2)
  expect(listener.notices.filter((notice) => notice.event === 'logs_removed')).toHaveLength(2)
})

it('looks back no further than a subscription wants', async () => {
  for (let i = 0; i < 10; i++) node.mineLogs({ address })
  configure('ws')
  const listener = listen(ofAddress, { from: handledLog(1, 0), maxLookback: 3 })
  await until(() => expect(listener.places()).toEqual(['8:0', '9:0', '10:0']))
  expect(listener.notices[0]).toMatchObject({ event: 'gap_dropped' })
})

it('keeps the bytes of a long chunk within bounds by halving it', async () => {
  const data = toHex(new Uint8Array(700_000))
  for (let i = 0; i < 8; i++) node.mineLogs({ address, data })
  configure('http')
  const listener = listen(ofAddress, { from: handledLog(1, 0) })
  await until(() => expect(listener.places()).toEqual(['2:0', '3:0', '4:0', '5:0', '6:0', '7:0', '8:0']))
})
