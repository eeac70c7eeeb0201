import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChainPool } from '../../src/engine/chains/chain-pool.ts'
import { testEndpoint } from '../../src/engine/chains/endpoint-test.ts'
import type { BlockEvent } from '../../src/engine/chains/heads/header.ts'
import { chainConfigSchema } from '../../src/shared/domain/chain.ts'
import { Anvil } from '../support/anvil.ts'
import { until } from '../support/until.ts'

let directory: string
let anvil: Anvil
let pool: ChainPool

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paddock-chains-'))
  anvil = await new Anvil().start(join(directory, 'state.json'))
  pool = new ChainPool()
})

afterEach(async () => {
  pool.dispose()
  await anvil.end('SIGKILL')
  await rm(directory, { recursive: true })
})

function configure(...urls: string[]): void {
  const endpoints = urls.map((url) => ({ url }))
  pool.configure([
    chainConfigSchema.parse({
      chainId: '31337',
      name: 'Anvil',
      endpoints,
      pollIntervalMs: 250,
      requestTimeoutMs: 5_000,
    }),
  ])
}

function listen(from?: BlockEvent): { blocks: BlockEvent[]; numbers: () => number[] } {
  const blocks: BlockEvent[] = []
  pool.subscribeHeads('31337', (block) => blocks.push(block), from === undefined ? {} : { from })
  return { blocks, numbers: () => blocks.map((block) => Number(block.number)) }
}

async function untilStatus(status: string): Promise<void> {
  await until(() => expect(pool.views()[0]!.status).toBe(status))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

describe.each(['ws', 'http'] as const)('a real node over %s', (transport) => {
  it('tells its heads as its blocks are', async () => {
    await anvil.mine(3)
    configure(anvil[transport])
    const listener = listen()
    await untilStatus('live')
    await anvil.mine(4)
    await until(() => expect(listener.numbers()).toEqual(range(4, 7)))
    const block = (await anvil.rpc('eth_getBlockByNumber', ['0x7', false])) as Record<string, string>
    const last = listener.blocks[3]!
    expect(bytesToHex(last.hash)).toBe(block['hash'])
    expect(last.timestampMs).toBe(BigInt(block['timestamp']!) * 1_000n)
  })

  it('is caught up with after it was killed and started again', async () => {
    configure(anvil[transport])
    const listener = listen()
    await untilStatus('live')
    await anvil.mine(2)
    await until(() => expect(listener.numbers()).toEqual([1, 2]))
    await anvil.end('SIGTERM')
    await untilStatus('down')
    await anvil.start(join(directory, 'state.json'))
    await anvil.mine(5)
    await until(() => expect(listener.numbers()).toEqual(range(1, 7)))
    expect(pool.views()[0]).toMatchObject({ status: 'live', blocksSkipped: 0 })
  })

  it('loses no block while its endpoint is edited to a dead one and back', async () => {
    configure(anvil[transport])
    const listener = listen()
    await untilStatus('live')
    await anvil.mine(1)
    configure(`${transport}://127.0.0.1:9/`)
    await untilStatus('down')
    expect(pool.views()[0]!.error).toMatchObject({ code: 'chain.unreachable' })
    await anvil.mine(6)
    configure(anvil[transport])
    await until(() => expect(listener.numbers()).toEqual(range(1, 7)))
    const restarted = listen(listener.blocks[2])
    await until(() => expect(restarted.numbers()).toEqual(range(4, 7)))
  })

  it('answers requests and batches, and reverts with code and data', async () => {
    configure(anvil[transport])
    expect(await pool.request('31337', 'eth_chainId', '[]')).toBe('"0x7a69"')
    const reverting = JSON.stringify([{ data: '0x60006000fd', to: null }, 'latest'])
    await expect(pool.request('31337', 'eth_call', reverting)).rejects.toMatchObject({
      kind: 'rpc',
      rpcCode: 3,
      data: '"0x"',
    })
    const methods = ['eth_blockNumber', 'eth_gasPrice', 'net_version']
    const answers = await pool.requestBatch(
      '31337',
      methods.map((method) => ({ method, params: '[]' })),
    )
    expect(answers[2]).toEqual({ ok: true, result: '"31337"' })
    expect(answers.map((answer) => answer.ok)).toEqual([true, true, true])
  })

  it('passes the test of an endpoint', async () => {
    await anvil.mine(3)
    expect(await testEndpoint({ chainId: '31337', url: anvil[transport] })).toMatchObject({
      ok: true,
      chainId: '31337',
      head: 3,
      pushesHeads: transport === 'ws',
    })
  })
})

it('tells the blocks of a node that starts anew at block 0 as they come', async () => {
  configure(anvil.ws)
  const listener = listen()
  await untilStatus('live')
  await anvil.mine(12)
  await until(() => expect(listener.numbers()).toEqual(range(1, 12)))
  await anvil.end('SIGKILL')
  await anvil.start(join(directory, 'other.json'))
  await anvil.rpc('anvil_setNextBlockTimestamp', [4_000_000_000])
  await anvil.mine(1)
  await until(() => expect(pool.views()[0]!.head).toMatchObject({ timestamp: 4_000_000_000_000 }))
  await anvil.mine(2)
  await until(() => expect(listener.numbers().slice(-2)).toEqual([2, 3]))
  expect(pool.views()[0]!.blocksSkipped).toBe(0)
})

describe.each(['ws', 'http'] as const)('logs of a real contract over %s', (transport) => {
  const topic = `0x${'c3'.repeat(32)}`
  /** Answers every call with one log of that topic and no data. */
  const creation = `0x602760 0c600039602760 00f37f${topic.slice(2)}60006000a100`.replaceAll(' ', '')

  async function send(transaction: object): Promise<string> {
    const [from] = (await anvil.rpc('eth_accounts', [])) as string[]
    return (await anvil.rpc('eth_sendTransaction', [{ from, gas: '0x30d40', ...transaction }])) as string
  }

  it('spec nexum-host 18 rows 58, 59: come in order, each once, also those that were missed and after a reorganisation', async () => {
    const creationHash = await send({ data: creation })
    await anvil.mine(1)
    const receipt = (await anvil.rpc('eth_getTransactionReceipt', [creationHash])) as {
      contractAddress: string
    }
    const address = receipt.contractAddress
    configure(anvil[transport])
    const places: string[] = []
    pool.subscribeLogs('31337', { addresses: [address], topics: [[topic]] }, ([log]) => {
      expect(log?.topics.map((each) => bytesToHex(each))).toEqual([topic])
      places.push(`${log?.blockNumber}:${log?.logIndex}`)
    })
    await until(() => expect(pool.views()[0]!.status).toBe('live'))
    await pool.request('31337', 'eth_blockNumber', '[]')
    const emit = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await send({ to: address })
      await anvil.mine(1)
    }
    await until(async () => {
      // The log stream opens after that of heads; until it is open nothing counts.
      if (places.length === 0) await emit(1)
      expect(places.length).toBeGreaterThan(0)
    })
    await emit(2)
    const head = Number(await anvil.rpc('eth_blockNumber', []))
    await until(() => expect(places.at(-1)).toBe(`${head}:1`))
    const before = [...places]
    expect(new Set(before).size).toBe(before.length)

    pool.configure([])
    await emit(1)
    await anvil.mine(2)
    await emit(2)
    configure(anvil[transport])
    await until(() => expect(places).toHaveLength(before.length + 3))
    const numbers = places.map((place) => Number(place.split(':')[0]))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))

    const all = places.length
    await anvil.rpc('anvil_reorg', [1, []])
    await emit(1)
    await until(() => expect(places.length).toBeGreaterThan(all))
    expect(new Set(places.slice(all)).size).toBe(places.length - all)
  })
})
