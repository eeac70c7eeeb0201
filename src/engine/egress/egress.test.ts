import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LocalDns } from '../../../test/support/local-dns.ts'
import { LocalWeb, testCertificate } from '../../../test/support/local-web.ts'
import { Egress } from './egress.ts'
import { EgressError } from './egress-error.ts'
import { PermittedDestinations } from './permitted-destinations.ts'
import { systemResolver } from './resolver.ts'
import { parseTarget } from './target.ts'
import type { EgressRequest } from './types.ts'

const loopback = new PermittedDestinations(['127.0.0.0/8'])
const timeouts = { connectMs: 2_000, firstByteMs: 2_000, betweenBytesMs: 2_000, totalMs: 4_000 }

let dns: LocalDns
let web: LocalWeb
let raw: Server | undefined
let egress: Egress

beforeEach(async () => {
  dns = await new LocalDns().start()
  web = await new LocalWeb().start()
  dns.names.set('web.test', [['127.0.0.1']])
  egress = new Egress({
    resolve: systemResolver({ servers: [dns.server], timeoutMs: 600 }),
    trust: { ca: testCertificate },
  })
})

afterEach(async () => {
  await Promise.all([dns.stop(), web.stop()])
  raw?.close()
  raw = undefined
})

function requestFor(url: string, options: Partial<EgressRequest> = {}): EgressRequest {
  return {
    url: parseTarget(url),
    method: 'GET',
    headers: [],
    body: null,
    timeouts,
    maxResponseBytes: 100_000,
    permitted: loopback,
    ...options,
  }
}

const get = (path = '/', options: Partial<EgressRequest> = {}) =>
  egress.request(requestFor(`http://web.test:${web.port}${path}`, options))

async function failure(work: Promise<unknown>): Promise<EgressError> {
  const error = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(EgressError)
  return error as EgressError
}

/** Answers every connection with these bytes, and closes it when `closes`. */
async function rawServer(bytes: string | Buffer, closes = true): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(bytes)
      if (closes) socket.end()
    })
  })
  raw = server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

describe('spec nexum-host 18 row 53: an exchange', () => {
  it('sends method, path, headers and body, and answers status, headers and body', async () => {
    web.handler = (_request, response) => {
      response.writeHead(
        201,
        [
          ['X-One', '1'],
          ['Set-Cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ].flat(),
      )
      response.end('made')
    }
    const answer = await get('/a/b?c=d%20e', {
      method: 'PUT',
      headers: [
        ['x-twice', '1'],
        ['X-Twice', '2'],
      ],
      body: new TextEncoder().encode('body'),
    })
    expect(answer.status).toBe(201)
    expect(Buffer.from(answer.body).toString()).toBe('made')
    expect(answer.headers.filter(([name]) => name.startsWith('x-') || name === 'set-cookie')).toEqual([
      ['x-one', '1'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    const [received] = web.received
    expect(received).toMatchObject({ method: 'PUT', url: '/a/b?c=d%20e' })
    expect(received?.body.toString()).toBe('body')
    expect(received?.headers).toMatchObject({
      host: `web.test:${web.port}`,
      'content-length': '4',
      'x-twice': '1, 2',
    })
    expect(received?.headers['transfer-encoding']).toBeUndefined()
  })

  it.each([
    ['GET', undefined],
    ['DELETE', undefined],
    ['POST', '0'],
    ['PROPFIND', '0'],
  ])('frames a %s without a body with content-length %s', async (method, length) => {
    await get('/', { method })
    expect(web.received[0]?.headers['content-length']).toBe(length)
    expect(web.received[0]?.headers['transfer-encoding']).toBeUndefined()
  })

  it('takes no proxy from the environment', async () => {
    vi.stubEnv('http_proxy', 'http://127.0.0.1:9')
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:9')
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect((await get()).status).toBe(200)
    vi.unstubAllEnvs()
  })

  it('follows no redirect', async () => {
    web.handler = (_request, response) => response.writeHead(302, { location: '/other' }).end()
    expect(await get()).toMatchObject({
      status: 302,
      headers: expect.arrayContaining([['location', '/other']]),
    })
    expect(web.received).toHaveLength(1)
  })

  it('reads no body where HTTP has none', async () => {
    web.handler = (_request, response) => response.writeHead(200, { 'content-length': '12345' }).end()
    const answer = await get('/', { method: 'HEAD' })
    expect(answer.body).toHaveLength(0)
    expect(answer.headers).toContainEqual(['content-length', '12345'])
    web.handler = (_request, response) => response.writeHead(304, { 'content-encoding': 'gzip' }).end()
    expect(await get()).toMatchObject({ status: 304, body: new Uint8Array(0) })
  })
})

describe('spec nexum-host 18 row 52: the lookup', () => {
  it('happens once, and the connection goes to what was judged', async () => {
    dns.names.set('rebind.test', [['127.0.0.1'], ['127.0.0.9']])
    const answer = await egress.request(requestFor(`http://rebind.test:${web.port}/`))
    expect(answer.status).toBe(200)
    expect(dns.asked.filter((name) => name === 'rebind.test')).toHaveLength(1)
  })

  it.each([
    [['127.0.0.1']],
    [['169.254.169.254']],
    [['::ffff:10.0.0.1']],
    [['::1']],
    [['93.184.215.14', '10.0.0.1']],
    [['93.184.215.14', 'fd00::1']],
  ])('refuses a name of %j', async (addresses) => {
    dns.names.set('inside.test', [addresses])
    const error = await failure(
      egress.request(
        requestFor(`http://inside.test:${web.port}/`, { permitted: new PermittedDestinations() }),
      ),
    )
    expect(error).toMatchObject({ kind: 'forbidden-address', requestSent: false })
    expect(web.connections).toBe(0)
  })

  it.each([
    'http://127.0.0.1:PORT/',
    'http://0x7f.1:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://localhost:PORT/',
  ])('refuses %s, and lets it pass where permitted', async (template) => {
    const url = template.replace('PORT', String(web.port))
    expect(
      await failure(egress.request(requestFor(url, { permitted: new PermittedDestinations() }))),
    ).toMatchObject({ kind: 'forbidden-address' })
    expect(web.connections).toBe(0)
    const permitted = new PermittedDestinations(['localhost'])
    expect((await egress.request(requestFor(url, { permitted }))).status).toBe(200)
  })

  it('tells an unknown name and a silent name server', async () => {
    expect(await failure(egress.request(requestFor('http://none.test/')))).toMatchObject({ kind: 'dns' })
    dns.isSilent = true
    expect(await failure(egress.request(requestFor('http://silent.test/')))).toMatchObject({ kind: 'dns' })
    const limited = requestFor('http://silent.test/', { timeouts: { ...timeouts, totalMs: 50 } })
    expect(await failure(egress.request(limited))).toMatchObject({ kind: 'timeout', requestSent: false })
  })

  it('tries the next address when one refuses', async () => {
    dns.names.set('two.test', [['127.0.0.77', '127.0.0.1']])
    expect((await egress.request(requestFor(`http://two.test:${web.port}/`))).status).toBe(200)
  })
})

describe('TLS', () => {
  it('checks the certificate against the name of the URL', async () => {
    const secure = await new LocalWeb('https').start()
    try {
      dns.names.set('other.example', [['127.0.0.1']])
      const good = await egress.request(requestFor(`https://web.test:${secure.port}/`))
      expect(good.status).toBe(200)
      expect((await egress.request(requestFor(`https://127.0.0.1:${secure.port}/`))).status).toBe(200)
      for (const other of [
        egress.request(requestFor(`https://other.example:${secure.port}/`)),
        new Egress({ resolve: systemResolver({ servers: [dns.server] }) }).request(
          requestFor(`https://web.test:${secure.port}/`),
        ),
      ]) {
        expect(await failure(other)).toMatchObject({ kind: 'tls', requestSent: false })
      }
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      expect(
        await failure(egress.request(requestFor(`https://other.example:${secure.port}/`))),
      ).toMatchObject({
        kind: 'tls',
      })
      vi.unstubAllEnvs()
    } finally {
      await secure.stop()
    }
  })

  it('is refused by a server without it', async () => {
    expect(await failure(egress.request(requestFor(`https://web.test:${web.port}/`)))).toMatchObject({
      kind: 'tls',
    })
  })
})

describe('spec nexum-host 18 row 53: bodies', () => {
  const text = 'paddock '.repeat(1_000)

  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['identity', Buffer.from(text)],
  ])('are decoded from %s', async (encoding, bytes) => {
    web.handler = (_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes)
    const answer = await get()
    expect(Buffer.from(answer.body).toString()).toBe(text)
    if (encoding !== 'identity') {
      expect(answer.headers.map(([name]) => name)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^content-(encoding|length)$/)]),
      )
    }
  })

  it('stay as they are in an unknown encoding', async () => {
    web.handler = (_request, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end('raw')
    const answer = await get()
    expect(Buffer.from(answer.body).toString()).toBe('raw')
    expect(answer.headers).toContainEqual(['content-encoding', 'zstd'])
  })

  it('may be empty although an encoding is named', async () => {
    web.handler = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end()
    expect((await get()).body).toHaveLength(0)
  })

  it.each(['gzip', 'deflate', 'br'])('that are not the %s they claim are malformed', async (encoding) => {
    web.handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end('no such thing')
    expect(await failure(get())).toMatchObject({ kind: 'malformed', requestSent: true })
    web.handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text).subarray(0, 20))
    expect(await failure(get())).toMatchObject({ kind: 'malformed' })
  })

  it('are capped by announcement, while they come, and after decoding', async () => {
    const exact = Buffer.alloc(100_000)
    web.handler = (_request, response) => response.end(exact)
    expect((await get()).body).toHaveLength(100_000)
    web.handler = (_request, response) => response.end(Buffer.alloc(100_001))
    expect(await failure(get())).toMatchObject({ kind: 'too-large', requestSent: true })
    web.handler = (_request, response) => {
      response.write(Buffer.alloc(60_000))
      response.write(Buffer.alloc(60_000))
      // Never ended: the cap alone ends it.
    }
    expect(await failure(get())).toMatchObject({ kind: 'too-large' })
    for (const [encoding, bomb] of [
      ['gzip', gzipSync(Buffer.alloc(50_000_000))],
      ['deflate', deflateSync(Buffer.alloc(50_000_000))],
      ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
      ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
    ] as const) {
      web.handler = (_request, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb)
      expect(await failure(get())).toMatchObject({ kind: 'too-large' })
    }
    // Gigabytes of empty archives: nothing in the end, and much on the way there.
    const empty = gzipSync('')
    const nothing = gzipSync(Buffer.alloc(empty.length * 400_000, empty))
    web.handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(nothing)
    expect(nothing.length).toBeLessThan(100_000)
    expect(await failure(get())).toMatchObject({ kind: 'too-large' })
    web.handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip, gzip, gzip' }).end('x')
    expect(await failure(get())).toMatchObject({ kind: 'malformed' })
  })
})

describe('faults of the peer', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', 'closed'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal', 'closed'],
    ['', 'closed'],
    ['SSH-2.0-OpenSSH\r\n', 'malformed'],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 'malformed'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 'malformed'],
    ['HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'malformed'],
  ])('%#', async (bytes, kind) => {
    const port = await rawServer(bytes)
    expect(await failure(egress.request(requestFor(`http://web.test:${port}/`)))).toMatchObject({
      kind,
      requestSent: true,
    })
  })

  it('refused connections are their own kind', async () => {
    const { port } = web
    await web.stop()
    const error = await failure(egress.request(requestFor(`http://web.test:${port}/secret?key=1`)))
    expect(error).toMatchObject({ kind: 'connect', requestSent: false })
    expect(error.message).not.toMatch(/secret|key/)
  })
})

describe('time', () => {
  it('ends a server that never begins', async () => {
    web.handler = () => undefined
    const error = await failure(get('/', { timeouts: { ...timeouts, firstByteMs: 60 } }))
    expect(error).toMatchObject({ kind: 'timeout', requestSent: true })
  })

  it('ends a server that pauses', async () => {
    web.handler = (_request, response) => void response.write('begin')
    expect(await failure(get('/', { timeouts: { ...timeouts, betweenBytesMs: 60 } }))).toMatchObject({
      kind: 'timeout',
    })
  })

  it('ends a server that drips for ever', async () => {
    web.handler = (_request, response) => {
      const drip = setInterval(() => response.write('x'), 10)
      response.on('close', () => clearInterval(drip))
    }
    expect(
      await failure(get('/', { timeouts: { ...timeouts, betweenBytesMs: 100, totalMs: 250 } })),
    ).toMatchObject({ kind: 'timeout' })
  })

  it('ends a TLS handshake that hangs', async () => {
    const port = await rawServer('', false)
    const request = requestFor(`https://web.test:${port}/`, { timeouts: { ...timeouts, connectMs: 60 } })
    expect(await failure(egress.request(request))).toMatchObject({ kind: 'timeout', requestSent: false })
  })

  it('ends when the caller goes away, and closes the connection', async () => {
    const controller = new AbortController()
    const closed = new Promise<void>((resolve) => {
      web.handler = (_request, response) => {
        response.on('close', resolve)
        response.write('begin', () => controller.abort())
      }
    })
    expect(await failure(get('/', { signal: controller.signal }))).toMatchObject({ kind: 'cancelled' })
    await closed
    expect(await failure(get('/', { signal: AbortSignal.abort() }))).toMatchObject({
      kind: 'cancelled',
      requestSent: false,
    })
  })
})
