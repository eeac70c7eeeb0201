import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { LocalNode } from '../../../test/support/local-node.ts'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { until } from '../../../test/support/until.ts'
import { chainConfigSchema } from '../../shared/domain/chain.ts'
import type { ChainConfig } from '../../shared/domain/chain.ts'
import { noMetrics } from '../telemetry/metrics/metrics-port.ts'
import { ChainPool } from './chain-pool.ts'
import type { ChainPoolOptions } from './chain-pool.ts'
import type { ChainRequestError } from './request-error.ts'

const nodes: LocalNode[] = []
const servers: Server[] = []
const pools: ChainPool[] = []

afterEach(async () => {
  for (const pool of pools.splice(0)) pool.dispose()
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function startNode(): Promise<LocalNode> {
  const node = await new LocalNode().start()
  nodes.push(node)
  return node
}

function createPool(urls: readonly string[], change: object = {}, options: ChainPoolOptions = {}): ChainPool {
  const pool = new ChainPool(options)
  pools.push(pool)
  pool.configure([config(urls, change)])
  return pool
}

function config(urls: readonly string[], change: object = {}): ChainConfig {
  const endpoints = urls.map((url) => ({ url }))
  return chainConfigSchema.parse({ chainId: '1', name: 'Test', endpoints, pollIntervalMs: 250, ...change })
}

async function failureOf(work: Promise<unknown>): Promise<ChainRequestError> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error as ChainRequestError,
  )
}

interface Refusal {
  readonly status: number
  readonly headers?: Record<string, string>
}

/** A node that refuses what is not eth_chainId as told, once each, then answers; it notes when it was asked. */
async function refusing(
  refusals: readonly Refusal[],
  at: () => number,
): Promise<{ url: string; times: number[] }> {
  const times: number[] = []
  const left = [...refusals]
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { id, method } = JSON.parse(text) as { id: number; method: string }
      const refusal = method === 'eth_chainId' ? undefined : left.shift()
      if (method !== 'eth_chainId') times.push(at())
      response.writeHead(refusal?.status ?? 200, { 'content-type': 'application/json', ...refusal?.headers })
      response.end(refusal === undefined ? `{"jsonrpc":"2.0","id":${id},"result":"0x1"}` : 'no')
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, times }
}

/** Lets the next timer fall due until the work ends. */
async function passing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const state = { isDone: false }
  const done = work.finally(() => (state.isDone = true))
  done.catch(() => undefined)
  while (!state.isDone) {
    clock.advance(10)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return done
}

describe('spec nexum-host 18 row 41: resilience', () => {
  it('503 twice, then ok, is one ok, after waits that double from 300 ms', async () => {
    const clock = new ManualClock()
    const node = await refusing([{ status: 503 }, { status: 503 }], () => clock.monotonicMs())
    const pool = createPool([node.url], {}, { clock, random: () => 0.5 })
    expect(await passing(clock, pool.request('1', 'eth_call', '[]'))).toBe('"0x1"')
    const [first, second, third] = node.times
    expect(node.times).toHaveLength(3)
    expect(second! - first!).toBeGreaterThanOrEqual(300)
    expect(second! - first!).toBeLessThan(600)
    expect(third! - second!).toBeGreaterThanOrEqual(600)
    expect(third! - second!).toBeLessThan(1_200)
    expect(pool.views()[0]!.endpoints[0]).toMatchObject({
      health: 'serving',
      errors: 2,
      retries: 2,
      rateLimited: 0,
      lastError: { error: { code: 'chain.unreachable' } },
    })
  })

  it('gives up after three retries, and asks as many as configured', async () => {
    const clock = new ManualClock()
    const refusals = Array<Refusal>(20).fill({ status: 500 })
    const node = await refusing(refusals, () => clock.monotonicMs())
    const pool = createPool([node.url], {}, { clock, random: () => 0 })
    expect(await passing(clock, failureOf(pool.request('1', 'eth_call', '[]')))).toMatchObject({
      httpStatus: 500,
    })
    expect(node.times).toHaveLength(4)
    pool.configure([config([node.url], { rpcPolicy: { maxRetries: 1 } })])
    await passing(clock, failureOf(pool.request('1', 'eth_call', '[]')))
    expect(node.times).toHaveLength(6)
  })

  it('honours Retry-After', async () => {
    const clock = new ManualClock()
    const node = await refusing([{ status: 429, headers: { 'retry-after': '2' } }], () => clock.monotonicMs())
    const pool = createPool([node.url], {}, { clock, random: () => 0 })
    expect(await passing(clock, pool.request('1', 'eth_call', '[]'))).toBe('"0x1"')
    expect(node.times[1]! - node.times[0]!).toBeGreaterThanOrEqual(2_000)
  })

  it.each([400, 401, 404])('does not retry %i', async (status) => {
    const node = await refusing([{ status }], () => 0)
    const pool = createPool([node.url])
    await failureOf(pool.request('1', 'eth_call', '[]'))
    expect(node.times).toHaveLength(1)
  })

  it('a dead primary leaves the secondary, counted once, and is used again when it answers', async () => {
    const clock = new ManualClock()
    const [first, second] = [await startNode(), await startNode()]
    let fallbacks = 0
    const metrics = {
      ...noMetrics,
      rpcFallback: () => {
        fallbacks += 1
      },
    }
    const pool = createPool([first.http, second.http], {}, { clock, random: () => 0, metrics })
    await pool.request('1', 'eth_blockNumber', '[]')
    await first.stop()
    for (let i = 0; i < 3; i++) await passing(clock, pool.request('1', 'eth_blockNumber', '[]'))
    expect(fallbacks).toBe(1)
    const label = (node: LocalNode): string => node.http.slice(0, -1)
    expect(pool.views()[0]).toMatchObject({
      failovers: 1,
      timeline: [{ from: label(first), to: label(second), reason: { code: 'chain.unreachable' } }],
      endpoints: [{ changes: [{ to: 'connecting' }, { to: 'healthy' }, { to: 'failing' }] }, {}],
    })
    await first.start()
    await until(() => {
      clock.advance(1_000)
      expect(pool.views()[0]!.endpoints[0]!.health).toBe('serving')
    })
    const asked = second.received.length
    await pool.request('1', 'eth_blockNumber', '[]')
    expect(second.received).toHaveLength(asked)
    expect(pool.views()[0]).toMatchObject({
      failovers: 1,
      timeline: [{}, { from: label(second), to: label(first), reason: null }],
    })
  })

  it('the 51st call of a burst waits; one that would wait too long is rate-limited at once', async () => {
    const clock = new ManualClock()
    const node = await startNode()
    const pool = createPool([node.http], { requestTimeoutMs: 5_000 }, { clock })
    let done = 0
    const calls = Array.from({ length: 50 }, () =>
      pool.request('1', 'eth_blockNumber', '[]').then(() => done++),
    )
    await Promise.all(calls)
    const late = pool.request('1', 'eth_blockNumber', '[]').then(() => done++)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(done).toBe(50)
    clock.advance(19)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(done).toBe(50)
    clock.advance(1)
    await late
    expect(done).toBe(51)
    pool.configure([config([node.http], { requestTimeoutMs: 100 })])
    const waiting = Array.from({ length: 5 }, () => pool.request('1', 'eth_blockNumber', '[]'))
    expect(await failureOf(pool.request('1', 'eth_blockNumber', '[]'))).toMatchObject({
      kind: 'rate-limited',
      code: 'chain.rate_limited',
    })
    expect(pool.views()[0]!.endpoints[0]!.health).toBe('serving')
    await passing(clock, Promise.allSettled(waiting))
  })

  it('never retries the error answer of a node', async () => {
    const node = await startNode()
    node.answers.set('eth_call', '"error":{"code":-32000,"message":"no"}')
    const pool = createPool([node.http])
    await failureOf(pool.request('1', 'eth_call', '[]'))
    expect(node.methods().filter((method) => method === 'eth_call')).toHaveLength(1)
  })
})

describe('the chain id of an endpoint', () => {
  it('is checked again when a node was swapped between two requests, and an alert is raised', async () => {
    const alerts: (string | null)[] = []
    const node = await startNode()
    const pool = createPool(
      [node.http],
      { rpcPolicy: { maxRetries: 0 } },
      {
        onMismatch: (_chainId, error) => alerts.push(error?.code ?? null),
      },
    )
    await pool.request('1', 'eth_blockNumber', '[]')
    await node.stop()
    node.chainId = 5
    await node.start()
    const error = await failureOf(pool.request('1', 'eth_blockNumber', '[]'))
    expect(error).toMatchObject({ kind: 'wrong-chain' })
    expect(alerts).toEqual(['chain.wrong_chain'])
    node.chainId = 1
    expect(await pool.request('1', 'eth_blockNumber', '[]')).toBe('"0x0"')
    expect(alerts).toEqual(['chain.wrong_chain', null])
  })

  it('is checked again after a while, although the connection never broke', async () => {
    const clock = new ManualClock()
    const node = await startNode()
    const pool = createPool([node.ws], { rpcPolicy: { maxRetries: 0 } }, { clock })
    await pool.request('1', 'eth_blockNumber', '[]')
    node.chainId = 5
    await pool.request('1', 'eth_blockNumber', '[]')
    clock.advance(60_000)
    expect(await failureOf(pool.request('1', 'eth_blockNumber', '[]'))).toMatchObject({ kind: 'wrong-chain' })
  })
})

describe('a socket that is dead without having said so', () => {
  it('is replaced after a request that got no answer', async () => {
    const node = await startNode()
    const pool = createPool([node.ws], { requestTimeoutMs: 150, rpcPolicy: { maxRetries: 0 } })
    await pool.request('1', 'eth_blockNumber', '[]')
    node.fault = 'hang'
    expect(await failureOf(pool.request('1', 'eth_blockNumber', '[]'))).toMatchObject({ kind: 'timeout' })
    await until(() => expect(node.openSockets).toBe(0))
    node.fault = 'none'
    expect(await pool.request('1', 'eth_blockNumber', '[]')).toBe('"0x0"')
  })
})

describe('spec nexum-host 18 row 43: batches over ws', () => {
  const three = ['eth_blockNumber', 'eth_gasPrice', 'eth_chainId'].map((method) => ({ method, params: '[]' }))

  it('are one message', async () => {
    const node = await startNode()
    const pool = createPool([node.ws])
    await pool.requestBatch('1', three)
    expect(node.received.filter((text) => text.startsWith('['))).toHaveLength(1)
    expect(node.received).toHaveLength(2)
  })

  it('go one by one to a node that takes none, and it is remembered', async () => {
    const node = await startNode()
    node.batchFault = 'refused-object'
    const pool = createPool([node.ws])
    const expected = [{ ok: true }, { ok: false, error: { rpcCode: -32601 } }, { ok: true }]
    expect(await pool.requestBatch('1', three)).toMatchObject(expected)
    expect(await pool.requestBatch('1', three)).toMatchObject(expected)
    expect(node.received.filter((text) => text.startsWith('['))).toHaveLength(1)
  })
})
