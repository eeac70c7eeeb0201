import { bytesToHex, hexToBytes } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalNode } from '../../../../test/support/local-node.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { until } from '../../../../test/support/until.ts'
import { chainConfigSchema, type ChainConfig } from '../../../shared/domain/chain.ts'
import { ChainPool } from '../chain-pool.ts'
import type { HandledBlock } from './head-subscriber.ts'
import type { BlockEvent } from './header.ts'

const nodes: LocalNode[] = []
let clock: ManualClock
let pool: ChainPool
let faults: unknown[]

beforeEach(() => {
  clock = new ManualClock()
  faults = []
  pool = new ChainPool({ clock, random: () => 1, onFault: (error) => faults.push(error) })
})

afterEach(async () => {
  pool.dispose()
  await until(() => expect(clock.pending).toBe(0))
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function startNode(blocks = 0): Promise<LocalNode> {
  const node = await new LocalNode().start()
  node.mine(blocks)
  nodes.push(node)
  return node
}

function config(urls: readonly string[], chainId = '1'): ChainConfig {
  const endpoints = urls.map((url) => ({ url }))
  return chainConfigSchema.parse({
    chainId,
    name: 'Test',
    endpoints,
    pollIntervalMs: 1_000,
    requestTimeoutMs: 2_000,
  })
}

/** Collects the numbers of the blocks that one subscriber gets. */
function listen(
  from?: HandledBlock,
  chainId = '1',
): { blocks: BlockEvent[]; numbers(): number[]; end(): void } {
  const blocks: BlockEvent[] = []
  const end = pool.subscribeHeads(chainId, (block) => blocks.push(block), from === undefined ? {} : { from })
  return { blocks, end, numbers: () => blocks.map((block) => Number(block.number)) }
}

function handled(node: LocalNode, number: number): HandledBlock {
  return { number: BigInt(number), hash: hexToBytes(node.chain[number]!.hash as `0x${string}`) }
}

async function untilLive(chainId = '1'): Promise<void> {
  await until(() => {
    expect(pool.views().find((view) => view.config.chainId === chainId)!.status).toBe('live')
  })
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Lets the poll timer of an http endpoint fall due, once the poll before it is done. */
async function poll(node: LocalNode): Promise<void> {
  const before = node.received.length
  await until(() => expect(clock.pending).toBeGreaterThan(0))
  clock.advance(1_000)
  await until(() => expect(node.received.length).toBeGreaterThan(before))
}

describe.each(['ws', 'http'] as const)('heads over %s', (transport) => {
  async function pass(node: LocalNode): Promise<void> {
    if (transport === 'http') await poll(node)
  }

  it('begin after the head, in order, and carry what a guest gets', async () => {
    const node = await startNode(7)
    pool.configure([config([node[transport]])])
    const listener = listen()
    await untilLive()
    expect(pool.views()[0]!.head!.number).toBe(7)
    node.mine()
    await pass(node)
    await until(() => expect(listener.numbers()).toEqual([8]))
    expect(listener.blocks[0]).toEqual({
      chainId: '1',
      number: 8n,
      hash: hexToBytes(node.head.hash as `0x${string}`),
      timestampMs: 1_700_000_016_000n,
    })
  })

  it('spec nexum-host 18 row 60: fetches what lies between when they jump', async () => {
    const node = await startNode(1)
    pool.configure([config([node[transport]])])
    const listener = listen()
    await untilLive()
    node.isSilent = true
    node.mine(4)
    node.isSilent = false
    node.mine()
    await pass(node)
    await until(() => expect(listener.numbers()).toEqual(range(2, 6)))
    expect(pool.views()[0]).toMatchObject({ blocksBackfilled: 4, blocksSkipped: 0 })
  })

  it('spec nexum-host 18 row 60: fetches the newest 256 after a long outage and counts the others', async () => {
    const node = await startNode(1)
    pool.configure([config([node[transport]])])
    const listener = listen()
    await untilLive()
    await node.stop()
    node.mine(300)
    if (transport === 'http') clock.advance(1_000)
    await until(() => expect(pool.views()[0]!.status).toBe('down'))
    await node.start()
    await until(() => {
      clock.advance(1_000)
      expect(listener.blocks).toHaveLength(256)
    })
    expect(listener.numbers()).toEqual(range(46, 301))
    expect(pool.views()[0]).toMatchObject({ blocksBackfilled: 255, blocksSkipped: 44 })
    expect(pool.views()[0]!.reconnects).toBeGreaterThan(0)
  })

  it('loses no block when the endpoint is edited to a dead one and back', async () => {
    const node = await startNode(3)
    const dead = await startNode()
    await dead.stop()
    pool.configure([config([node[transport]])])
    const listener = listen()
    await untilLive()
    pool.configure([config([dead[transport]])])
    await until(() => expect(pool.views()[0]!.status).toBe('down'))
    node.mine(5)
    pool.configure([config([node[transport]])])
    await until(() => expect(listener.numbers()).toEqual(range(4, 8)))
  })

  it('come as they are after a reorganisation, and never twice', async () => {
    const node = await startNode(5)
    pool.configure([config([node[transport]])])
    const listener = listen()
    await untilLive()
    node.repeatHead()
    node.reorganise(2)
    await pass(node)
    node.mine()
    node.repeatHead()
    await pass(node)
    await until(() => expect(listener.numbers().at(-1)).toBe(6))
    expect(listener.numbers()).toEqual(transport === 'ws' ? [4, 5, 6] : [5, 6])
  })

  it('of a branch that the node went over to come all, in order, each once', async () => {
    const node = await startNode(1)
    pool.configure([config([node[transport]])])
    const listener = listen()
    await untilLive()
    for (let i = 0; i < 4; i++) {
      node.mine()
      await pass(node)
      await until(() => expect(listener.numbers().at(-1)).toBe(node.head.number))
    }
    expect(listener.numbers()).toEqual([2, 3, 4, 5])
    // A node that tells the end of the new branch only, as a poll does.
    node.isSilent = true
    node.reorganise(3)
    node.isSilent = false
    node.mine()
    await pass(node)
    await until(() => expect(listener.numbers()).toEqual([2, 3, 4, 5, 3, 4, 5, 6]))
    const hashes = listener.blocks.slice(-4).map((block) => bytesToHex(block.hash))
    expect(hashes).toEqual(node.chain.slice(3).map((block) => block.hash))
  })

  it('reach a subscriber that was down from the block it had handled', async () => {
    const node = await startNode(20)
    pool.configure([config([node[transport]])])
    const first = listen(handled(node, 15))
    await until(() => expect(first.numbers()).toEqual(range(16, 20)))
    const second = listen(handled(node, 10))
    const third = listen(handled(node, 20))
    node.mine(2)
    await pass(node)
    await until(() => expect(first.numbers()).toEqual(range(16, 22)))
    await until(() => expect(second.numbers()).toEqual(range(11, 22)))
    await until(() => expect(third.numbers()).toEqual([21, 22]))
  })
})

describe('a subscriber that was down', () => {
  it('gets at most 256 blocks', async () => {
    const node = await startNode(400)
    pool.configure([config([node.ws])])
    const listener = listen(handled(node, 3))
    await until(() => expect(listener.blocks).toHaveLength(256))
    node.mine()
    await until(() => expect(listener.numbers()).toEqual(range(145, 401)))
    expect(pool.views()[0]!.blocksSkipped).toBe(141)
  })

  it('gets the block again whose place another one took meanwhile', async () => {
    const node = await startNode(6)
    const from = handled(node, 5)
    node.reorganise(3)
    pool.configure([config([node.ws])])
    const listener = listen(from)
    await until(() => expect(listener.numbers()).toEqual([5, 6]))
  })

  it('gets nothing twice from a node that lags', async () => {
    const node = await startNode(10)
    const from = handled(node, 10)
    const lost = node.chain.splice(-3)
    pool.configure([config([node.ws])])
    const listener = listen(from)
    await untilLive()
    node.mine(lost.length + 1)
    await until(() => expect(listener.numbers()).toEqual([11]))
  })

  it('gets the blocks of a chain that started anew at once', async () => {
    const node = await startNode(2)
    pool.configure([config([node.ws])])
    const listener = listen({ number: 500n, hash: new Uint8Array(32).fill(7) })
    await until(() => expect(listener.numbers()).toEqual([2]))
    node.mine()
    await until(() => expect(listener.numbers()).toEqual([2, 3]))
  })

  it('misses nothing and gets nothing twice while blocks arrive and connections break', async () => {
    const node = await startNode(60)
    pool.configure([config([node.ws])])
    const all = listen(handled(node, 0))
    await until(() => expect(all.blocks.length).toBeGreaterThan(0))
    const others = [5, 30, 59].map((number) => ({ number, listener: listen(handled(node, number)) }))
    for (let i = 0; i < 5; i++) {
      node.mine(3)
      node.breakConnections()
      node.mine(2)
      await until(() => {
        clock.advance(1_000)
        expect(all.numbers().at(-1)).toBe(node.head.number)
      })
    }
    await until(() => expect(all.numbers()).toEqual(range(1, 85)))
    for (const { number, listener } of others) {
      await until(() => expect(listener.numbers()).toEqual(range(number + 1, 85)))
    }
    expect(faults).toEqual([])
  })
})

describe('the stream', () => {
  it('spec nexum-host 18 row 58: is one for all subscribers, open only while there are any', async () => {
    const node = await startNode()
    pool.configure([config([node.ws])])
    await pool.request('1', 'eth_blockNumber', '[]')
    expect(node.subscriptions).toBe(0)
    const listeners = [listen(), listen(), listen()]
    await untilLive()
    node.mine()
    for (const listener of listeners) await until(() => expect(listener.numbers()).toEqual([1]))
    expect(node.subscriptions).toBe(1)
    for (const listener of listeners) listener.end()
    await until(() => expect(node.methods()).toContain('eth_unsubscribe'))
    node.mine()
    const late = listen()
    await until(() => expect(node.subscriptions).toBe(2))
    await untilLive()
    node.mine()
    await until(() => expect(late.numbers()).toEqual([3]))
    expect(listeners[0]!.numbers()).toEqual([1])
  })

  it('keeps subscribers of a chain that is not configured, yet or any more', async () => {
    const node = await startNode(4)
    const listener = listen(handled(node, 2))
    expect(pool.views()).toEqual([])
    pool.configure([config([node.ws])])
    await until(() => expect(listener.numbers()).toEqual([3, 4]))
    pool.configure([])
    await until(() => expect(node.openSockets).toBe(0))
    node.mine(2)
    pool.configure([config([node.ws])])
    await until(() => expect(listener.numbers()).toEqual([3, 4, 5, 6]))
  })

  it('spec nexum-host 18 row 58: polls a ws endpoint that does not push', async () => {
    const node = await startNode(1)
    node.pushes = false
    pool.configure([config([node.ws])])
    const listener = listen()
    await untilLive()
    node.mine(2)
    await poll(node)
    await until(() => expect(listener.numbers()).toEqual([2, 3]))
  })

  it('spec nexum-host 18 row 60: is taken for dead after a minute of silence', async () => {
    const node = await startNode(1)
    pool.configure([config([node.ws])])
    const listener = listen()
    await untilLive()
    node.isSilent = true
    node.mine(3)
    clock.advance(59_999)
    expect(listener.numbers()).toEqual([])
    clock.advance(1)
    await until(() => {
      clock.advance(1_000)
      expect(listener.numbers()).toEqual([2, 3, 4])
    })
    expect(node.subscriptions).toBe(2)
  })

  it('reconnects after 1, 2, 4 … 30 s', async () => {
    const node = await startNode(1)
    pool.configure([config([node.ws])])
    listen()
    await untilLive()
    await node.stop()
    const reconnects = (): number => pool.views()[0]!.reconnects
    await until(() => expect(reconnects()).toBe(1))
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      const before = reconnects()
      clock.advance(seconds * 1_000 - 1)
      expect(reconnects()).toBe(before)
      await until(() => {
        clock.advance(1)
        expect(reconnects()).toBe(before + 1)
      })
    }
  })

  it('moves to the next endpoint at once and back to the preferred one, without a gap', async () => {
    const [first, second] = [await startNode(2), await startNode(2)]
    pool.configure([config([first.ws, second.http])])
    const listener = listen()
    await untilLive()
    second.mine(2)
    await first.stop()
    await until(() => expect(listener.numbers()).toEqual([3, 4]))
    first.mine(3)
    await first.start()
    // One probe of the preferred endpoint; too short a time for silence to force the move.
    clock.advance(1_000)
    await until(() => expect(listener.numbers()).toEqual([3, 4, 5]))
    first.mine()
    await until(() => expect(listener.numbers()).toEqual([3, 4, 5, 6]))
  })

  it('survives a node that sends no headers', async () => {
    const node = await startNode(1)
    node.answers.set('eth_getBlockByNumber', '"result":{"number":"0x1","hash":"0x12","timestamp":1}')
    pool.configure([config([node.ws])])
    const listener = listen()
    await until(() => expect(pool.views()[0]).toMatchObject({ error: { code: 'chain.not_json_rpc' } }))
    node.answers.delete('eth_getBlockByNumber')
    await until(() => {
      clock.advance(1_000)
      expect(pool.views()[0]!.status).toBe('live')
    })
    node.mine()
    await until(() => expect(listener.numbers()).toEqual([2]))
  })

  it('goes on for the others when a listener throws', async () => {
    const node = await startNode()
    pool.configure([config([node.ws])])
    pool.subscribeHeads('1', () => {
      throw new Error('mine')
    })
    const listener = listen()
    await untilLive()
    node.mine(2)
    await until(() => expect(listener.numbers()).toEqual([1, 2]))
    expect(faults).toHaveLength(2)
  })

  it('spec nexum-host 18 row 60: of one chain does not wait for another', async () => {
    const [up, down] = [await startNode(), await startNode()]
    down.fault = 'hang'
    pool.configure([config([down.ws], '2'), config([up.ws])])
    listen(undefined, '2')
    const listener = listen()
    await untilLive()
    up.mine()
    await until(() => expect(listener.numbers()).toEqual([1]))
  })

  it('turns stale when no head arrives', async () => {
    const node = await startNode(1)
    node.pushes = false
    pool.configure([config([node.ws])])
    listen()
    await untilLive()
    node.fault = 'hang'
    clock.advance(60_001)
    expect(pool.views()[0]!.status).toBe('stale')
  })
})
