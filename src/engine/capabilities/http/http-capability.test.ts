import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callContext } from '../../../../test/support/call-context.ts'
import { LocalDns } from '../../../../test/support/local-dns.ts'
import { LocalWeb } from '../../../../test/support/local-web.ts'
import { defaultOperator } from '../../../shared/domain/operator/operator.ts'
import type { OperatorLimits } from '../../../shared/domain/operator/limits.ts'
import type { InstalledModule } from '../../../shared/domain/settings.ts'
import { moduleGrantsSchema } from '../../../shared/domain/operator/grants.ts'
import { Egress } from '../../egress/egress.ts'
import { systemResolver } from '../../egress/resolver.ts'
import { HostFailure } from '../capability.ts'
import { createHttpCapability, type HttpExchange } from './http-capability.ts'
import type { HttpRequest, HttpResponse } from './request.ts'

let dns: LocalDns
let web: LocalWeb
let limits: OperatorLimits['http']
let told: HttpExchange[]

beforeEach(async () => {
  dns = await new LocalDns().start()
  web = await new LocalWeb().start()
  dns.names.set('web.test', [['127.0.0.1']])
  limits = { ...defaultOperator.limits.http, permitDestinations: ['127.0.0.1'] }
  told = []
})

afterEach(async () => {
  await Promise.all([dns.stop(), web.stop()])
})

interface Caller {
  readonly allow?: readonly string[]
  readonly record?: Partial<InstalledModule>
  readonly signal?: AbortSignal
}

function fetch(request: Partial<HttpRequest>, caller: Caller = {}): Promise<HttpResponse> {
  const capability = createHttpCapability({
    egress: new Egress({ resolve: systemResolver({ servers: [dns.server], timeoutMs: 500 }) }),
    limits: () => limits,
    now: () => performance.now(),
    onExchange: (exchange) => told.push(exchange),
  })
  const allow = JSON.stringify(caller.allow ?? ['web.test'])
  const context = callContext(
    `[capabilities]\nrequired = ["http"]\n[capabilities.http]\nallow = ${allow}`,
    caller.record,
    caller.signal,
  )
  const full = { method: 'GET', url: local('/'), headers: [], ...request }
  return capability.functions['fetch']!([full], context) as Promise<HttpResponse>
}

function local(path: string, host = 'web.test'): string {
  return `http://${host}:${web.port}${path}`
}

async function failureOf(work: Promise<unknown>): Promise<HostFailure['hostError']> {
  const error = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(HostFailure)
  return (error as HostFailure).hostError
}

const failure = (kind: string, code = 0) => ({ domain: 'http', kind, code, message: expect.any(String) })

describe('spec nexum-host 18 row 51: the allowlist', () => {
  it.each([
    'http://allowed.com@evil.com/',
    'http://evil.com?@allowed.com/',
    'http://evil.com#@allowed.com/',
    'http://evil.com\\@allowed.com/',
    'http://notallowed.com/',
    'http://sub.allowed.com/',
    'http://allowed.com./',
  ])('refuses %j by the host it really names', async (url) => {
    const refused = await failureOf(fetch({ url }, { allow: ['allowed.com'] }))
    expect(refused).toEqual(failure('denied'))
    expect(refused.message).toContain(new URL(url).hostname)
    expect(dns.asked).toEqual([])
  })

  it.each(['ftp://web.test/', '/x', '', 'http://allowed.com%40evil.com/', 'file:///etc/passwd'])(
    'finds %j invalid',
    async (url) => {
      expect(await failureOf(fetch({ url }))).toEqual(failure('invalid-input'))
    },
  )

  it('lets a listed host pass whatever its case, port and user-info', async () => {
    for (const url of [`HTTP://WEB.TEST:${web.port}/x`, `http://user:pass@web.test:${web.port}/x`]) {
      expect((await fetch({ url })).status).toBe(200)
    }
    for (const { headers } of web.received) expect(headers.authorization).toBeUndefined()
    dns.names.set('deep.under.web.test', [['127.0.0.1']])
    const url = local('/', 'deep.under.web.test')
    expect((await fetch({ url }, { allow: ['*.web.test'] })).status).toBe(200)
    expect(await failureOf(fetch({}, { allow: ['*.web.test'] }))).toEqual(failure('denied'))
  })

  it('denies everything without a list, and what the operator took from it', async () => {
    expect(await failureOf(fetch({}, { allow: [] }))).toEqual(failure('denied'))
    expect(await failureOf(fetch({}, { allow: [`web.test:${web.port}`] }))).toEqual(failure('denied'))
    const record = { grants: moduleGrantsSchema.parse({ refusedHosts: ['WEB.test'] }) }
    expect(await failureOf(fetch({}, { record }))).toEqual(failure('denied'))
    const wide = { allow: ['*.test', 'web.test'] }
    expect(await failureOf(fetch({}, { ...wide, record }))).toEqual(failure('denied'))
    expect(web.connections).toBe(0)
    const others = { grants: moduleGrantsSchema.parse({ refusedHosts: ['*.test'] }) }
    expect(await fetch({}, { ...wide, record: others })).toMatchObject({ status: 200 })
  })

  it('checks in the order of the spec: URL, allowlist, method and headers, address', async () => {
    const bad = { method: 'no token', headers: [{ name: 'host', value: 'x' }] }
    expect((await failureOf(fetch({ ...bad, url: 'ftp://evil.com/' }))).message).toMatch(/neither http/)
    expect(await failureOf(fetch({ ...bad, url: 'http://evil.com/' }))).toMatchObject({ kind: 'denied' })
    limits = { ...limits, permitDestinations: [] }
    expect(await failureOf(fetch(bad))).toMatchObject({ kind: 'invalid-input' })
    expect(await failureOf(fetch({}))).toMatchObject({ kind: 'denied' })
  })
})

describe('spec nexum-host 18 row 52: private ranges', () => {
  it.each(['127.0.0.1', '169.254.169.254', '::ffff:10.0.0.1', '::1', '10.0.0.1', 'fe80::1', '0.0.0.0'])(
    'denies a name that resolves to %s, though its host is listed',
    async (address) => {
      limits = { ...limits, permitDestinations: [] }
      dns.names.set('inside.test', [[address]])
      const refused = await failureOf(fetch({ url: local('/', 'inside.test') }, { allow: ['inside.test'] }))
      expect(refused).toEqual(failure('denied'))
      expect(refused.message).not.toContain(address)
      expect(web.connections).toBe(0)
    },
  )

  it('permits what is listed, for all or for this module alone', async () => {
    expect((await fetch({})).status).toBe(200)
    limits = { ...limits, permitDestinations: [] }
    const record = { grants: moduleGrantsSchema.parse({ permitDestinations: ['127.0.0.0/8'] }) }
    expect((await fetch({}, { record })).status).toBe(200)
    expect(await failureOf(fetch({}))).toEqual(failure('denied'))
  })

  it('does not use a second answer of the name server', async () => {
    limits = { ...limits, permitDestinations: [] }
    dns.names.set('rebind.test', [['93.184.215.14'], ['127.0.0.1']])
    const url = local('/', 'rebind.test')
    const first = fetch({ url, timeoutMs: 150 }, { allow: ['rebind.test'] })
    // The judged address alone is tried; our server at the rebound one hears nothing.
    expect(['timeout', 'unavailable']).toContain((await failureOf(first)).kind)
    expect(web.connections).toBe(0)
    expect(dns.asked).toEqual(['rebind.test'])
    expect(await failureOf(fetch({ url }, { allow: ['rebind.test'] }))).toEqual(failure('denied'))
    expect(web.connections).toBe(0)
  })

  it('denies a literal address that is listed as host but not permitted', async () => {
    limits = { ...limits, permitDestinations: [] }
    for (const [host, entry] of [
      ['127.0.0.1', '127.0.0.1'],
      ['[::1]', '[::1]'],
      ['2130706433', '127.0.0.1'],
      ['localhost', 'localhost'],
    ] as const) {
      expect(await failureOf(fetch({ url: local('/', host) }, { allow: [entry] })), host).toEqual(
        failure('denied'),
      )
    }
    expect(web.connections).toBe(0)
  })
})

describe('spec nexum-host 18 row 53: the exchange', () => {
  it('answers any status, a redirect included', async () => {
    for (const status of [200, 204, 302, 401, 403, 404, 429, 500, 503]) {
      web.handler = (_request, response) => response.writeHead(status, { location: '/other' }).end()
      expect((await fetch({})).status).toBe(status)
    }
    expect(web.received.every(({ url }) => url === '/')).toBe(true)
  })

  it('keeps repeated headers apart and in order, in lower case', async () => {
    web.handler = (_request, response) => {
      response.writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1', 'SET-COOKIE', 'b=2']).end()
    }
    const { headers } = await fetch({})
    expect(headers.filter(({ name }) => name === 'set-cookie').map(({ value }) => value)).toEqual([
      'a=1',
      'b=2',
    ])
    await fetch({})
    expect(web.received.at(-1)?.headers.cookie).toBeUndefined()
  })

  it('sends the headers of the guest, but manages those of the connection itself', async () => {
    await fetch({
      method: 'POST',
      body: new TextEncoder().encode('four'),
      headers: [
        { name: 'X-Mine', value: 'yes' },
        { name: 'Content-Length', value: '999' },
        { name: 'Transfer-Encoding', value: 'chunked' },
        { name: 'Connection', value: 'x-hop' },
        { name: 'X-Hop', value: 'no' },
        { name: 'Proxy-Authorization', value: 'no' },
        { name: 'Authorization', value: 'mine' },
      ],
    })
    const [received] = web.received
    expect(received?.body.toString()).toBe('four')
    expect(received?.headers).toMatchObject({ 'x-mine': 'yes', 'content-length': '4', authorization: 'mine' })
    for (const name of ['transfer-encoding', 'x-hop', 'proxy-authorization']) {
      expect(received?.headers[name]).toBeUndefined()
    }
  })

  it.each([
    { method: '' },
    { method: 'GE T' },
    { method: 'GET\r\nx: y' },
    { method: 'CONNECT' },
    { method: 'trace' },
    { headers: [{ name: 'Host', value: 'evil.com' }] },
    { headers: [{ name: '', value: 'x' }] },
    { headers: [{ name: 'a b', value: 'x' }] },
    { headers: [{ name: 'x', value: 'a\r\nInjected: 1' }] },
    { headers: [{ name: 'x', value: 'a\0' }] },
    { headers: [{ name: 'x', value: '€' }] },
    { headers: Array<{ name: string; value: string }>(129).fill({ name: 'x', value: '' }) },
    { headers: [{ name: 'x', value: 'y'.repeat(65_536) }] },
    { body: new Uint8Array(16_777_217) },
  ])('finds %# invalid before anything is sent', async (request) => {
    expect(await failureOf(fetch(request as Partial<HttpRequest>))).toEqual(failure('invalid-input'))
    expect(web.connections).toBe(0)
  })

  it('caps the body', async () => {
    limits = { ...limits, responseBodyMaxBytes: 1_000 }
    web.handler = (_request, response) => response.end(Buffer.alloc(1_000))
    expect((await fetch({})).body).toHaveLength(1_000)
    web.handler = (_request, response) => response.end(Buffer.alloc(1_001))
    expect(await failureOf(fetch({}))).toEqual(failure('invalid-input'))
    limits = { ...limits, responseBodyMaxBytes: 0 }
    web.handler = (_request, response) => response.end()
    expect((await fetch({})).status).toBe(200)
  })

  it('clamps the time the guest wishes to the ceiling and to 1 ms', async () => {
    web.handler = () => undefined
    limits = { ...limits, firstByteTimeoutMaxMs: 60 }
    expect(await failureOf(fetch({ timeoutMs: 3_600_000 }))).toEqual(failure('timeout'))
    expect(await failureOf(fetch({}))).toEqual(failure('timeout'))
    limits = { ...limits, firstByteTimeoutMaxMs: 30_000 }
    expect(await failureOf(fetch({ timeoutMs: 0 }))).toEqual(failure('timeout'))
    expect(await failureOf(fetch({ timeoutMs: 60 }))).toEqual(failure('timeout'))
    limits = { ...limits, totalDeadlineMs: 60 }
    expect(await failureOf(fetch({}))).toEqual(failure('timeout'))
    expect(await failureOf(fetch({}, { signal: AbortSignal.abort() }))).toEqual(failure('timeout'))
  })

  it('tells the host and nothing more', async () => {
    await fetch({ url: local('/secret/path?key=hidden'), headers: [{ name: 'x-token', value: 'covert' }] })
    await failureOf(fetch({ url: local('/secret', 'web.test').replace(String(web.port), '1') }))
    expect(told.map(({ host, outcome }) => [host, outcome])).toEqual([
      ['web.test', '200'],
      ['web.test', 'unavailable'],
    ])
    expect(JSON.stringify(told)).not.toMatch(/secret|hidden|covert/)
  })
})

describe('spec nexum-host 18 row 26: errors of http', () => {
  it('maps refusal, DNS and TLS, and takes statuses for answers', async () => {
    const url = local('/path?query')
    const secure = url.replace('http:', 'https:')
    expect(await failureOf(fetch({ url: secure }))).toEqual(failure('unavailable'))
    expect(await failureOf(fetch({ url: 'http://none.test/' }, { allow: ['none.test'] }))).toEqual(
      failure('unavailable'),
    )
    await web.stop()
    const refused = await failureOf(fetch({ url }))
    expect(refused).toEqual(failure('unavailable'))
    expect(refused.message).not.toMatch(/path|query|127\.0/)
  })

  it.each([[[]], [['x']], [[{}]], [[{ method: 'GET', url: 1, headers: [] }]]])(
    'refuses arguments %j',
    async (args) => {
      const capability = createHttpCapability({ egress: new Egress(), limits: () => limits, now: () => 0 })
      expect(await failureOf(capability.functions['fetch']!(args, callContext()))).toEqual(
        failure('invalid-input'),
      )
    },
  )
})
