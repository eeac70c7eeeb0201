import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chainConfigSchema, type ChainConfig } from '../../shared/domain/chain.ts'
import { ChainPool } from './chain-pool.ts'
import type { ChainPoolOptions } from './chain-pool.ts'
import type { ChainRequestError } from './request-error.ts'
import { LocalNode } from '../../../test/support/local-node.ts'
import type { Fault } from '../../../test/support/local-node.ts'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { until } from '../../../test/support/until.ts'

const nodes: LocalNode[] = []
const pools: ChainPool[] = []

async function startNode(): Promise<LocalNode> {
  const node = await new LocalNode().start()
  nodes.push(node)
  return node
}

function createPool(options: ChainPoolOptions = {}): ChainPool {
  const pool = new ChainPool(options)
  pools.push(pool)
  return pool
}

function config(urls: readonly string[], change: Partial<ChainConfig> = {}): ChainConfig {
  return chainConfigSchema.parse({
    chainId: '1',
    name: 'Test',
    endpoints: urls.map((url) => ({ url })),
    pollIntervalMs: 250,
    requestTimeoutMs: 2_000,
    // Retries have tests of their own.
    rpcPolicy: { maxRetries: 0 },
    ...change,
  })
}

async function failureOf(work: Promise<unknown>): Promise<ChainRequestError> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error as ChainRequestError,
  )
}

const rejections: unknown[] = []
const noteRejection = (reason: unknown): void => void rejections.push(reason)

beforeEach(() => {
  rejections.length = 0
  process.on('unhandledRejection', noteRejection)
})

afterEach(async () => {
  for (const pool of pools.splice(0)) pool.dispose()
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  process.removeListener('unhandledRejection', noteRejection)
  expect(rejections).toEqual([])
})

describe.each(['http', 'ws'] as const)('requests over %s', (transport) => {
  it('hands on params and result byte for byte', async () => {
    const node = await startNode()
    const result = '{"big": 123456789012345678901234567890,  "text":"\\u00e9"}'
    node.answers.set('eth_call', `"result" : ${result} `)
    const pool = createPool()
    pool.configure([config([node[transport]])])
    expect(await pool.request('1', 'eth_call', '[ 1.0, {"a":9007199254740993} ]')).toBe(result)
    expect(node.received.at(-1)).toContain('"params":[ 1.0, {"a":9007199254740993} ]}')
    node.answers.set('eth_call', '"result":null')
    expect(await pool.request('1', 'eth_call', undefined)).toBe('null')
    expect(node.received.at(-1)).not.toContain('params')
  })

  it('keeps code and data of the error of a node', async () => {
    const node = await startNode()
    node.answers.set('eth_call', '"error":{"code":3,"message":"execution reverted","data": "0x08c379a0"}')
    const pool = createPool()
    pool.configure([config([node[transport]])])
    const error = await failureOf(pool.request('1', 'eth_call', '[]'))
    expect(error).toMatchObject({
      kind: 'rpc',
      rpcCode: 3,
      data: '"0x08c379a0"',
      message: 'execution reverted',
    })
    expect(pool.views()[0]!.endpoints[0]!.health).toBe('serving')
  })

  it.each<[Fault, string, string]>([
    ['html', 'not-json-rpc', 'chain.not_json_rpc'],
    ['other-json', 'not-json-rpc', 'chain.not_json_rpc'],
    ['wrong-id', 'not-json-rpc', 'chain.not_json_rpc'],
    ['hang', 'timeout', 'chain.timeout'],
    ['close-mid-reply', 'closed', 'chain.closed'],
    ['close-at-once', 'closed', 'chain.closed'],
    [{ status: 503 }, 'http-status', 'chain.unreachable'],
    [{ status: 429 }, 'http-status', 'chain.rate_limited'],
    [{ status: 401 }, 'http-status', 'chain.not_json_rpc'],
  ])('spec nexum-host 18 row 40: tells %j as %s', async (fault, kind, code) => {
    const node = await startNode()
    node.fault = fault
    const pool = createPool()
    pool.configure([config([node[transport]], { requestTimeoutMs: 200 })])
    const error = await failureOf(pool.request('1', 'eth_blockNumber', '[]'))
    expect(error).toMatchObject({ kind, code, data: undefined })
    expect(error.message).not.toContain('127.0.0.1')
    const view = pool.views()[0]!
    expect(view).toMatchObject({ status: 'down', error: { code } })
    expect(view.endpoints[0]).toMatchObject({ health: 'failing', error: { code } })
    node.fault = 'none'
    expect(await pool.request('1', 'eth_blockNumber', '[]')).toBe('"0x0"')
  })

  it('tells a fault that begins after first contact', async () => {
    const node = await startNode()
    const pool = createPool()
    pool.configure([config([node[transport]])])
    await pool.request('1', 'eth_blockNumber', '[]')
    node.fault = 'close-mid-reply'
    node.faultyMethod = 'eth_gasPrice'
    expect(await failureOf(pool.request('1', 'eth_gasPrice', '[]'))).toMatchObject({ kind: 'closed' })
    expect(await pool.request('1', 'eth_blockNumber', '[]')).toBe('"0x0"')
  })

  it('refuses an endpoint of another chain before asking it anything', async () => {
    const node = await startNode()
    node.chainId = 5
    const pool = createPool()
    pool.configure([config([node[transport]])])
    expect(await failureOf(pool.request('1', 'eth_blockNumber', '[]'))).toMatchObject({
      kind: 'wrong-chain',
      code: 'chain.wrong_chain',
    })
    expect(node.methods()).toEqual(['eth_chainId'])
  })

  it('tells a refused connection and an unknown host', async () => {
    const node = await startNode()
    await node.stop()
    const pool = createPool()
    pool.configure([config([node[transport]])])
    expect(await failureOf(pool.request('1', 'eth_call', '[]'))).toMatchObject({ kind: 'unreachable' })
    pool.configure([config([`${transport}://no-such-host.invalid/`])])
    expect(await failureOf(pool.request('1', 'eth_call', '[]'))).toMatchObject({ kind: 'unreachable' })
  })

  it('spec nexum-host 18 row 42: refuses an answer over 1 MiB and takes one just below', async () => {
    const node = await startNode()
    const pool = createPool()
    pool.configure([config([node[transport]])])
    node.answers.set('eth_call', `"result":"${'a'.repeat(1_048_576)}"`)
    expect(await failureOf(pool.request('1', 'eth_call', '[]'))).toMatchObject({ kind: 'too-large' })
    node.answers.set('eth_call', `"result":"${'a'.repeat(1_048_000)}"`)
    expect((await pool.request('1', 'eth_call', '[]')).length).toBe(1_048_002)
    expect(pool.views()[0]!.endpoints[0]!.health).toBe('serving')
  })

  it('lets go of a request that is aborted', async () => {
    const node = await startNode()
    const pool = createPool()
    pool.configure([config([node[transport]])])
    await pool.request('1', 'eth_blockNumber', '[]')
    node.fault = 'hang'
    const abort = new AbortController()
    const failure = failureOf(pool.request('1', 'eth_call', '[]', { signal: abort.signal }))
    await until(() => expect(node.methods()).toContain('eth_call'))
    abort.abort()
    expect(await failure).toMatchObject({ kind: 'cancelled' })
    expect(pool.views()[0]!.endpoints[0]!.health).toBe('serving')
  })

  it('spec nexum-host 18 row 43: answers a batch in its order, each entry on its own', async () => {
    const node = await startNode()
    node.batchFault = 'shuffled'
    const pool = createPool()
    pool.configure([config([node[transport]])])
    const answers = await pool.requestBatch('1', [
      { method: 'eth_blockNumber', params: '[]' },
      { method: 'eth_nothing', params: '[]' },
      { method: 'eth_chainId', params: '[]' },
    ])
    expect(answers).toMatchObject([
      { ok: true, result: '"0x0"' },
      { ok: false, error: { kind: 'rpc', rpcCode: -32601 } },
      { ok: true, result: '"0x1"' },
    ])
  })
})

describe('kept http connections', () => {
  it('that the node closed are replaced once, unnoticed', async () => {
    const node = await startNode()
    const pool = createPool()
    pool.configure([config([node.http])])
    await pool.request('1', 'eth_blockNumber', '[]')
    node.dropNext = 1
    expect(await pool.request('1', 'eth_blockNumber', '[]')).toBe('"0x0"')
    expect(pool.views()[0]!.endpoints[0]).toMatchObject({ health: 'serving', errors: 0 })
    await pool.request('1', 'eth_blockNumber', '[]')
    node.dropNext = 2
    expect(await failureOf(pool.request('1', 'eth_blockNumber', '[]'))).toMatchObject({ kind: 'closed' })
  })
})

describe('batches over http', () => {
  const three = ['eth_blockNumber', 'eth_gasPrice', 'eth_chainId'].map((method) => ({ method, params: '[]' }))

  it('spec nexum-host 18 row 43: sends one list per 100 entries', async () => {
    const node = await startNode()
    const pool = createPool()
    pool.configure([config([node.http])])
    const answers = await pool.requestBatch('1', Array(250).fill(three[0]))
    expect(answers).toHaveLength(250)
    expect(answers.every((answer) => answer.ok)).toBe(true)
    expect(
      node.received
        .filter((text) => text.startsWith('['))
        .map((text) => (JSON.parse(text) as unknown[]).length),
    ).toEqual([100, 100, 50])
  })

  it('makes a missing answer the failure of its entry', async () => {
    const node = await startNode()
    node.batchFault = 'one-missing'
    const pool = createPool()
    pool.configure([config([node.http])])
    expect(await pool.requestBatch('1', three)).toMatchObject([
      { ok: true },
      { ok: false, error: { kind: 'no-answer' } },
      { ok: true, result: '"0x1"' },
    ])
  })

  it.each(['refused-400', 'refused-object'] as const)('asks one by one after %s', async (batchFault) => {
    const node = await startNode()
    node.batchFault = batchFault
    const pool = createPool()
    pool.configure([config([node.http])])
    const expected = [{ ok: true }, { ok: false, error: { rpcCode: -32601 } }, { ok: true }]
    expect(await pool.requestBatch('1', three)).toMatchObject(expected)
    expect(await pool.requestBatch('1', three)).toMatchObject(expected)
    expect(node.received.filter((text) => text.startsWith('['))).toHaveLength(1)
  })

  it('measures each answer by itself when all together are too large', async () => {
    const node = await startNode()
    node.answers.set('eth_blockNumber', `"result":"${'a'.repeat(600_000)}"`)
    node.answers.set('eth_gasPrice', `"result":"${'b'.repeat(1_100_000)}"`)
    const pool = createPool()
    pool.configure([config([node.http])])
    expect(await pool.requestBatch('1', three)).toMatchObject([
      { ok: true },
      { ok: false, error: { kind: 'too-large' } },
      { ok: true },
    ])
  })
})

describe('failover', () => {
  it('serves from the next endpoint and returns to the preferred one when it answers again', async () => {
    const clock = new ManualClock()
    const [first, second] = [await startNode(), await startNode()]
    first.answers.set('eth_gasPrice', '"result":"first"')
    second.answers.set('eth_gasPrice', '"result":"second"')
    const pool = createPool({ clock, random: () => 0 })
    pool.configure([config([first.http, second.ws])])
    expect(await pool.request('1', 'eth_gasPrice', '[]')).toBe('"first"')
    await first.stop()
    expect(await pool.request('1', 'eth_gasPrice', '[]')).toBe('"second"')
    expect(pool.views()[0]!.endpoints.map((endpoint) => endpoint.health)).toEqual(['failing', 'serving'])
    const askedSecond = second.received.length
    expect(await pool.request('1', 'eth_gasPrice', '[]')).toBe('"second"')
    expect(second.received.length).toBe(askedSecond + 1)
    await first.start()
    clock.advance(1_000)
    await until(() => expect(pool.views()[0]!.endpoints[0]!.health).toBe('serving'))
    expect(await pool.request('1', 'eth_gasPrice', '[]')).toBe('"first"')
  })

  it('leaves time for the next endpoint when the first one hangs', async () => {
    const [first, second] = [await startNode(), await startNode()]
    first.fault = 'hang'
    const pool = createPool()
    pool.configure([config([first.http, second.http], { requestTimeoutMs: 400 })])
    expect(await pool.request('1', 'eth_blockNumber', '[]')).toBe('"0x0"')
  })

  it('never repeats what a node answered with an error', async () => {
    const [first, second] = [await startNode(), await startNode()]
    const pool = createPool()
    pool.configure([config([first.http, second.http])])
    expect(await failureOf(pool.request('1', 'eth_nothing', '[]'))).toMatchObject({ kind: 'rpc' })
    expect(second.received).toEqual([])
  })

  it('tells the failure of the preferred endpoint when none answers', async () => {
    const [first, second] = [await startNode(), await startNode()]
    first.fault = 'html'
    await second.stop()
    const pool = createPool()
    pool.configure([config([first.http, second.http])])
    expect(await failureOf(pool.request('1', 'eth_call', '[]'))).toMatchObject({ kind: 'not-json-rpc' })
  })

  it('waits longer from try to try, up to 30 s', async () => {
    const clock = new ManualClock()
    const node = await startNode()
    node.fault = 'close-at-once'
    const pool = createPool({ clock, random: () => 1 })
    pool.configure([config([node.http])])
    await failureOf(pool.request('1', 'eth_call', '[]'))
    const waits: (number | null)[] = []
    for (let i = 0; i < 7; i++) {
      waits.push(clock.nextInMs)
      const before = node.received.length
      clock.advance(clock.nextInMs ?? 0)
      await until(() => expect(node.received.length).toBe(before + 1))
      await until(() => expect(clock.pending).toBe(1))
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })
})

describe('configuration', () => {
  it('answers for unknown chains and chains without endpoints with the id', async () => {
    const pool = createPool()
    expect(await failureOf(pool.request('77', 'eth_call', '[]'))).toMatchObject({
      kind: 'unknown-chain',
      message: expect.stringContaining('77'),
    })
    pool.configure([config([])])
    expect(await failureOf(pool.request('1', 'eth_call', '[]'))).toMatchObject({ kind: 'unknown-chain' })
    expect(pool.views()[0]).toMatchObject({ status: 'down' })
  })

  it('keeps the connection of an endpoint that stays and closes one that goes', async () => {
    const [first, second] = [await startNode(), await startNode()]
    const pool = createPool()
    pool.configure([config([first.ws])])
    await pool.request('1', 'eth_blockNumber', '[]')
    pool.configure([config([first.ws, second.ws], { name: 'Other' })])
    await pool.request('1', 'eth_blockNumber', '[]')
    expect(first.methods().filter((method) => method === 'eth_chainId')).toHaveLength(1)
    expect(first.openSockets).toBe(1)
    pool.configure([config([second.ws])])
    await until(() => expect(first.openSockets).toBe(0))
    await pool.request('1', 'eth_blockNumber', '[]')
    expect(pool.views()[0]).toMatchObject({ config: { name: 'Test' }, requestsPerSecond: 0.3 })
  })

  it('leaves no socket and no timer behind', async () => {
    const clock = new ManualClock()
    const [first, second, dead] = [await startNode(), await startNode(), await startNode()]
    await dead.stop()
    const pool = createPool({ clock })
    pool.onDidChange(() => undefined)
    pool.configure([config([dead.http, first.ws]), config([second.http], { chainId: '2' })])
    second.chainId = 2
    pool.subscribeHeads('1', () => undefined)
    pool.subscribeHeads('2', () => undefined)
    await until(() => expect(pool.views().map((view) => view.status)).toEqual(['live', 'live']))
    second.fault = 'hang'
    const hanging = failureOf(pool.request('2', 'eth_call', '[]'))
    await until(() => expect(second.methods()).toContain('eth_call'))
    pool.dispose()
    expect(await hanging).toMatchObject({ kind: 'closed' })
    await until(() => expect(first.openSockets + second.openSockets).toBe(0))
    await until(() => expect(clock.pending).toBe(0))
    expect(await failureOf(pool.request('1', 'eth_call', '[]'))).toMatchObject({ kind: 'closed' })
  })

  it('tells changes together, and shows no key', async () => {
    const clock = new ManualClock()
    const node = await startNode()
    const key = '0123456789abcdef0123456789abcdef'
    const pool = createPool({ clock, modulesOf: (chainId) => [`on-${chainId}`], devnetChainId: '1' })
    let changes = 0
    pool.onDidChange(() => changes++)
    pool.configure([config([`${node.http}v3/${key}?key=${key}`])])
    for (let i = 0; i < 20; i++) await pool.request('1', 'eth_blockNumber', '[]')
    expect(changes).toBe(0)
    clock.advance(200)
    expect(changes).toBe(1)
    const view = pool.views()[0]!
    expect(view).toMatchObject({ modules: ['on-1'], devnet: true, requestsPerSecond: 2 })
    expect(view.endpoints[0]).toMatchObject({ label: `${node.http}v3/…`, requests: 20, latencyMsP50: 0 })
    clock.advance(11_000)
    expect(pool.views()[0]!.requestsPerSecond).toBe(0)
    expect(changes).toBeGreaterThan(5)
  })
})
