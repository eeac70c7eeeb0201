import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credential, guestRequest, ToolWorld } from '../../../../test/support/tool-world.ts'

let world: ToolWorld
beforeEach(async () => {
  world = await ToolWorld.open()
})
afterEach(() => world.close())

const denied = (code: string, kind = 'network-denied') => ({
  ok: false,
  kind,
  code,
  message: code,
  requestSent: false,
})

function expectNothingLeft(): void {
  expect(world.dns.asked).toEqual([])
  expect(world.web.connections + world.plain.connections).toBe(0)
}

describe('spec tools 14 methods/headers: refused before DNS', () => {
  it.each([
    [{ method: 'TRACE' }, 'method_not_allowed', 'method'],
    [{ headersJson: '{"x":"a\\r\\nb: c"}' }, 'invalid_headers', 'headers'],
    [{ headersJson: '{"Host":"evil.test"}' }, 'invalid_headers', 'headers'],
    [{ headersJson: '{"Authorization":"Bearer x"}' }, 'manual_credentials_denied', 'guest-credentials'],
    [{ headersJson: '{"X-My-Token":"x"}' }, 'manual_credentials_denied', 'guest-credentials'],
    [{ url: '/?api_key=1' }, 'manual_credentials_denied', 'guest-credentials'],
    [{ url: 'ftp://web.test/' }, 'invalid_url', 'url'],
    [{ url: '/?q=ghp_0123456789abcdefghijklmnopqrstuvwxyz' }, 'credential_leak_blocked', 'request-scan'],
  ])('%j: %s', async (request, code, step) => {
    const call = await world.call()
    expect(await call.http(guestRequest(world.origin, request))).toEqual(denied(code))
    const figures = await call.figures()
    expect(figures).toMatchObject({
      egressBytes: 0,
      totalBytesOut: 0,
      bytesIn: 0,
      httpRequests: 0,
      lastStatus: null,
    })
    expect(figures.trace).toEqual([
      expect.objectContaining({
        hop: 0,
        verdict: expect.objectContaining({ kind: 'refused', step, code }) as unknown,
      }),
    ])
    expect(JSON.stringify(figures.trace)).not.toContain('ghp_0123456789')
    expectNothingLeft()
  })

  it('?pageToken= passes', async () => {
    expect(await world.request({ url: '/?pageToken=abc' })).toMatchObject({ ok: true, status: 200 })
    expect(world.web.received[0]?.url).toBe('/?pageToken=abc')
  })
})

describe('spec tools 14 allowlist: refused before DNS', () => {
  it.each([
    ['wrong method', { method: 'POST' }],
    ['wrong port', { url: 'https://web.test:1/v1' }],
    ['wrong scheme', { url: 'http://web.test/v1' }],
    ['apex of a wildcard', { url: 'https://wild.test/v1' }],
    ['two-label subdomain', { url: 'https://a.b.wild.test/v1' }],
    ['/v1x for the prefix /v1', { url: '/v1x' }],
    ['%2e%2e%2f', { url: '/v1/%2e%2e%2fadmin' }],
    ['%252e', { url: '/v1/%252e%252e/admin' }],
  ])('%s', async (_title, request) => {
    const allow = [
      world.rule({ methods: ['GET'], pathPrefix: '/v1' }),
      world.rule({ methods: ['GET'], host: '*.wild.test', port: 443 }),
    ]
    expect(await world.request({ url: '/v1', ...request }, { http: { allow } })).toEqual(
      denied('policy_denied'),
    )
    expectNothingLeft()
  })

  it('a%2Fb below the prefix is allowed, as is one label of a wildcard', async () => {
    const allow = [world.rule({ pathPrefix: '/v1' }), world.rule({ host: '*.web.test' })]
    expect(await world.request({ url: '/v1/a%2Fb' }, { http: { allow } })).toMatchObject({ ok: true })
    expect(world.web.received[0]?.url).toBe('/v1/a%2Fb')
    const url = `https://www.web.test:${world.web.port}/`
    expect(await world.request({ url }, { http: { allow } })).toMatchObject({ ok: true })
  })

  it('no rule at all: nothing is granted', async () => {
    expect(await world.request({}, { http: { allow: [] } })).toEqual(denied('http_unavailable', 'executor'))
  })
})

describe('spec tools 14 SSRF: denied, no connection', () => {
  it.each([
    '127.0.0.1', '[::1]', '[::ffff:10.0.0.1]', '2130706433', '0x7f.1', '100.64.0.1', '198.18.0.1', '[64:ff9b::7f00:1]',
    '169.254.169.254', '0.0.0.0', '[fe80::1]',
  ])('the literal %s', async (literal) => {
    const url = `https://${literal}:${world.web.port}/`
    const host = new URL(url).hostname
    const answer = await world.request({ url }, { http: { allow: [world.rule({ host })] }, permittedPrivate: [] })
    expect(answer).toEqual(denied('private_address'))
    expect(world.web.connections).toBe(0)
  }) // prettier-ignore

  it('a name with one private among public answers', async () => {
    world.dns.names.set('mixed.web.test', [['1.1.1.1', '127.0.0.1', '9.9.9.9']])
    const allow = [world.rule({ host: 'mixed.web.test' })]
    const call = await world.call({ http: { allow }, permittedPrivate: [] })
    const url = `https://mixed.web.test:${world.web.port}/`
    expect(await call.http(guestRequest('', { url }))).toEqual(denied('private_address'))
    expect((await call.figures()).trace).toEqual([
      expect.objectContaining({
        peer: null,
        verdict: expect.objectContaining({ step: 'address' }) as unknown,
      }),
    ])
    expect(world.web.connections).toBe(0)
  })

  it('what the operator lists is for that host and port alone', async () => {
    const allow = [world.rule(), world.rule({ scheme: 'http', port: world.plain.port })]
    const only = (...permittedPrivate: string[]) => ({ http: { allow }, permittedPrivate })
    const plain = `http://web.test:${world.plain.port}/`
    const { port } = world.web
    for (const entry of [`127.0.0.1:${port}`, `127.0.0.0/8:${port}`, `web.test:${port}`, '[::ffff:127.0.0.1]', `WEB.test`]) {
      expect(await world.request({}, only(entry)), entry).toMatchObject({ ok: true })
    }
    for (const entry of [`127.0.0.2:${port}`, `localhost:${port}`, `www.web.test:${port}`, `127.0.0.1:1`, `:${port}`, '']) {
      expect(await world.request({}, only(entry)), entry).toEqual(denied('private_address'))
    }
    expect(await world.request({ url: plain }, only(`127.0.0.1:${port}`))).toEqual(denied('private_address'))
  }) // prettier-ignore
})

describe('spec tools 14 rebinding', () => {
  it('a resolver that flips on the second lookup: exactly one lookup, the peer is the vetted address', async () => {
    world.dns.names.set('flip.web.test', [['127.0.0.1'], ['127.0.0.9']])
    const call = await world.call({ http: { allow: [world.rule({ host: 'flip.web.test' })] } })
    const url = `https://flip.web.test:${world.web.port}/`
    expect(await call.http(guestRequest('', { url }))).toMatchObject({ ok: true })
    expect(world.dns.asked).toEqual(['flip.web.test'])
    expect((await call.figures()).trace).toMatchObject([{ peer: '127.0.0.1' }])
    // The next request looks up anew, and the connection to the first address is not used for the second.
    expect(await call.http(guestRequest('', { url }))).toEqual(denied('private_address'))
    expect(world.web.connections).toBe(1)
  })
})

describe('spec tools 14 all-or-nothing staging', () => {
  it('second of two required secrets missing: nothing staged, nothing sent, auth-required', async () => {
    await world.setSecret('first', 'value-of-the-first')
    const credentials = [
      credential('first', { type: 'bearer' }),
      credential('second', { type: 'query', name: 'id' }),
    ]
    const call = await world.call({ credentials })
    const answer = await call.http(guestRequest(world.origin))
    expect(answer).toEqual(denied('credential_unavailable', 'auth-required'))
    const { trace, missingSecrets } = await call.figures()
    expect(trace).toMatchObject([{ injected: [], verdict: { kind: 'refused', step: 'credentials' } }])
    expect(missingSecrets).toEqual(['second'])
    expectNothingLeft()
  })

  it('optional and missing is left out; two for one header are refused', async () => {
    await world.setSecret('first', 'value-of-the-first')
    const optional = [
      credential('first', { type: 'bearer' }),
      credential('none', { type: 'query', name: 'id' }, { required: false }),
    ]
    expect(await world.request({}, { credentials: optional })).toMatchObject({ ok: true })
    expect(world.web.received[0]).toMatchObject({
      url: '/',
      headers: { authorization: 'Bearer value-of-the-first' },
    })
    const twice = [
      credential('first', { type: 'bearer' }),
      credential('first', { type: 'basic', username: 'u' }),
    ]
    expect(await world.request({}, { credentials: twice })).toEqual(denied('policy_denied'))
  })

  it('a secret of another host or path stays where it is', async () => {
    await world.setSecret('first', 'value-of-the-first')
    const credentials = [
      credential('first', { type: 'bearer' }, { hosts: ['www.web.test'] }),
      credential('first', { type: 'header', name: 'x-key', prefix: '' }, { pathPrefixes: ['/private'] }),
    ]
    expect(await world.request({ url: '/public' }, { credentials })).toMatchObject({ ok: true })
    expect(JSON.stringify(world.web.received[0])).not.toContain('value-of-the-first')
    expect(await world.request({ url: '/private/x' }, { credentials })).toMatchObject({ ok: true })
    expect(world.web.received[1]?.headers['x-key']).toBe('value-of-the-first')
  })

  it("a request with the call's own secret in any encoding is refused", async () => {
    await world.setSecret('first', 'value/of the+first')
    const call = await world.call({ credentials: [credential('first', { type: 'bearer' })] })
    const forms = [
      { url: `/?q=${encodeURIComponent('value/of the+first')}` },
      { url: `/${Buffer.from('value/of the+first').toString('base64url')}` },
      { headersJson: '{"x":"value/of the+first"}' },
      { method: 'POST', body: Buffer.from(JSON.stringify({ a: 'value/of the+first' })) },
      { method: 'POST', body: Buffer.from(`x${Buffer.from('value/of the+first').toString('base64')}`) },
    ]
    for (const form of forms) {
      expect(await call.http(guestRequest(world.origin, form)), JSON.stringify(form)).toEqual(
        denied('credential_leak_blocked'),
      )
    }
    expectNothingLeft()
    expect(JSON.stringify(await call.figures())).not.toMatch(/value|dmFsdWUv/)
  })
})
