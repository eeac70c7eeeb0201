import { request } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalWeb, testCertificate } from '../../../test/support/local-web.ts'
import { until } from '../../../test/support/until.ts'
import { ConnectionPools, poolKey } from './connection-pools.ts'
import { Egress } from './egress.ts'
import { PermittedDestinations } from './permitted-destinations.ts'
import { parseTarget } from './target.ts'
import type { EgressRequest } from './types.ts'

let web: LocalWeb
let egress: Egress
beforeEach(async () => {
  web = await new LocalWeb('https').start()
  egress = new Egress({ trust: { ca: testCertificate }, resolve: () => Promise.resolve(['127.0.0.1']) })
})
afterEach(async () => {
  egress.close()
  await web.stop()
})

/** A connection may come back a moment after its answer, when its last byte is known to be written. */
const whenIdle = (count: number) => until(() => expect(egress.idleConnections).toBe(count))

function get(changes: Partial<EgressRequest> = {}): Promise<unknown> {
  return egress.request({
    url: parseTarget(`https://web.test:${web.port}/`),
    method: 'GET',
    headers: [],
    body: null,
    timeouts: { connectMs: 2_000, firstByteMs: 2_000, betweenBytesMs: 2_000, totalMs: 4_000 },
    maxResponseBytes: 1_000,
    permitted: new PermittedDestinations(['127.0.0.1']),
    pool: 'owner',
    ...changes,
  })
}

describe('spec tools 4 step 10: connection pools', () => {
  it('reuses a connection of the same owner, host and addresses, also after HEAD and 204', async () => {
    web.handler = (_request, response) => response.setHeader('content-length', '2').end('ok')
    await get()
    await whenIdle(1)
    await get({ method: 'HEAD' })
    await whenIdle(1)
    web.handler = (_request, response) => response.writeHead(204).end()
    await get()
    await whenIdle(1)
    await get({ method: 'POST', body: new Uint8Array(10) })
    expect(web.connections).toBe(1)
    await get({ pool: 'another' })
    expect(web.connections).toBe(2)
    const { url, addresses } = await egress.resolve(parseTarget('https://a.test/'), new PermittedDestinations(['127.0.0.1']))
    expect(poolKey('o', { url, addresses: ['1.1.1.1', '::1'] })).toBe(poolKey('o', { url, addresses: ['::1', '1.1.1.1'] }))
    expect(poolKey('o', { url, addresses })).not.toBe(poolKey('o', { url, addresses: ['1.1.1.1'] }))
  }) // prettier-ignore

  it('does not keep what the server closes, what failed, or what was cut off', async () => {
    web.handler = (_request, response) => response.setHeader('connection', 'close').end()
    await get()
    await get()
    expect(web.connections).toBe(2)
    web.handler = (_request, response) => response.end('a'.repeat(1_001))
    await expect(get()).rejects.toMatchObject({ kind: 'too-large', requestSent: true })
    web.handler = (_request, response) => response.end()
    await get()
    expect(web.connections).toBe(4)
  })

  it('answers two requests at once over two connections', async () => {
    await Promise.all([get(), get()])
    expect(web.connections).toBe(2)
    await whenIdle(2)
    await Promise.all([get(), get()])
    expect(web.connections).toBe(2)
  })

  it('a request that is called off before its first byte was not sent', async () => {
    const controller = new AbortController()
    controller.abort()
    await expect(get({ signal: controller.signal })).rejects.toMatchObject({
      kind: 'cancelled',
      requestSent: false,
    })
    expect(web.received).toHaveLength(0)
  })

  it('sends to the destination that was judged only', async () => {
    const destination = await egress.resolve(
      parseTarget('https://a.test/'),
      new PermittedDestinations(['127.0.0.1']),
    )
    await expect(
      egress.send(destination, {
        url: parseTarget('https://b.test/'),
        method: 'GET',
        headers: [],
        body: null,
        timeouts: { connectMs: 1, firstByteMs: 1, betweenBytesMs: 1, totalMs: 1 },
        maxResponseBytes: 1,
      }),
    ).rejects.toMatchObject({ kind: 'invalid-url', requestSent: false })
  })
})

describe('ConnectionPools', () => {
  let server: Server
  const accepted: Socket[] = []
  beforeEach(async () => {
    accepted.length = 0
    server = createServer((socket) => {
      accepted.push(socket.on('error', () => undefined))
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    for (const socket of accepted) socket.destroy()
    server.close()
  })

  /** A connection that is idle in the pool after an exchange. */
  async function idle(pools: ConnectionPools, key: string): Promise<Socket> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.on('error', () => undefined)
    pools.take(key, ['127.0.0.1'])
    const { agent } = pools.adopt(key, socket)
    if (agent === undefined) expect.fail('it is not kept')
    await new Promise((resolve) => {
      // The pool's own listener came first.
      agent.once('free', resolve)
      request({ agent }, (response) => response.resume()).end()
    })
    return socket
  }

  it('closes the pool used longest ago beyond the most there may be', async () => {
    const pools = new ConnectionPools(2)
    const [a, b] = [await idle(pools, 'a'), await idle(pools, 'b')]
    expect(pools.take('a', ['127.0.0.1'])).toBeDefined()
    const c = await idle(pools, 'c')
    expect(pools.keys()).toEqual(['a', 'c'])
    expect([a.destroyed, b.destroyed, c.destroyed]).toEqual([false, true, false])
    pools.close()
    expect(c.destroyed).toBe(true)
    a.destroy()
  })

  it('gives no connection whose peer is not among the addresses, and none that the server spoke on unasked', async () => {
    const pools = new ConnectionPools()
    const moved = await idle(pools, 'a')
    expect(pools.take('a', ['127.0.0.2'])).toBeUndefined()
    expect(moved.destroyed).toBe(true)
    const poisoned = await idle(pools, 'a')
    await until(() => expect(accepted).toHaveLength(2))
    accepted[1]?.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil')
    await until(() => expect(poisoned.destroyed).toBe(true))
    expect(pools.take('a', ['127.0.0.1'])).toBeUndefined()
  })
})
