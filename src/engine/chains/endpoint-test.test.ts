import { afterEach, describe, expect, it } from 'vitest'
import { LocalNode } from '../../../test/support/local-node.ts'
import type { Fault } from '../../../test/support/local-node.ts'
import { until } from '../../../test/support/until.ts'
import { testEndpoint } from './endpoint-test.ts'

const nodes: LocalNode[] = []

async function startNode(): Promise<LocalNode> {
  const node = await new LocalNode().start()
  nodes.push(node)
  return node
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

describe.each(['http', 'ws'] as const)('test of an endpoint over %s', (transport) => {
  it('tells chain, head, latency and whether it pushes, and closes its connection', async () => {
    const node = await startNode()
    node.mine(42)
    const test = await testEndpoint({ chainId: '1', url: node[transport] })
    expect(test).toMatchObject({
      ok: true,
      chainId: '1',
      head: 42,
      pushesHeads: transport === 'ws',
      error: null,
    })
    expect(test.latencyMs).toBeGreaterThan(0)
    await until(() => expect(node.openSockets).toBe(0))
  })

  it('tells a node without subscriptions', async () => {
    const node = await startNode()
    node.pushes = false
    expect(await testEndpoint({ chainId: '1', url: node[transport] })).toMatchObject({
      ok: true,
      pushesHeads: false,
    })
  })

  it('tells what a node of another chain serves', async () => {
    const node = await startNode()
    node.chainId = 10
    expect(await testEndpoint({ chainId: '1', url: node[transport] })).toMatchObject({
      ok: false,
      chainId: '10',
      head: 0,
      error: { code: 'chain.wrong_chain' },
    })
  })

  it.each<[Fault, string]>([
    ['html', 'chain.not_json_rpc'],
    ['other-json', 'chain.not_json_rpc'],
    ['wrong-id', 'chain.not_json_rpc'],
    ['close-mid-reply', 'chain.closed'],
    [{ status: 429 }, 'chain.rate_limited'],
    [{ status: 404 }, 'chain.not_json_rpc'],
    [{ status: 500 }, 'chain.unreachable'],
  ])('tells %j as %s', async (fault, code) => {
    const node = await startNode()
    node.fault = fault
    expect(await testEndpoint({ chainId: '1', url: node[transport] })).toMatchObject({
      ok: false,
      error: { code },
    })
  })

  it('tells that nobody listens', async () => {
    const node = await startNode()
    await node.stop()
    const test = await testEndpoint({ chainId: '1', url: node[transport] })
    expect(test.error).toMatchObject({
      code: 'chain.unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('gives up in bounded time, and at once when aborted', async () => {
    const node = await startNode()
    node.fault = 'hang'
    const abort = new AbortController()
    const test = testEndpoint({ chainId: '1', url: node[transport] }, abort.signal)
    await until(() => expect(node.received).toHaveLength(1))
    abort.abort()
    expect(await test).toMatchObject({ ok: false, error: { code: 'chain.timeout' } })
  })
})

it.each(['', 'localhost:8545', 'ftp://example.org/', 'https://exa mple.org', 'file:///etc/passwd'])(
  'tells that %j is no address',
  async (url) => {
    const test = await testEndpoint({ chainId: '1', url })
    expect(test).toMatchObject({ ok: false, error: { code: 'chain.bad_endpoint' } })
    expect(test.error!.message).not.toBe('')
  },
)
