import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credential, guestRequest, textOf, ToolWorld } from '../../../../test/support/tool-world.ts'
import { until } from '../../../../test/support/until.ts'
import type { CredentialRule } from '../../../shared/contracts/tool.ts'

let world: ToolWorld
beforeEach(async () => {
  world = await ToolWorld.open()
})
afterEach(() => world.close())

const failed = (kind: string, code: string, requestSent: boolean) => ({ ok: false, kind, code, requestSent })
const secret = 'S3cret/Value+0123456789'

describe('spec tools 14 injection: each type reaches the server, the guest never sees it', () => {
  const basic = `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`
  it.each<[CredentialRule['inject'], string, string, string]>([
    [{ type: 'bearer' }, secret, '/', `Bearer ${secret}`],
    [{ type: 'header', name: 'x-key', prefix: 'k=' }, secret, '/', `k=${secret}`],
    [{ type: 'query', name: 'id' }, secret, '/?a=b', `/?a=b&id=${encodeURIComponent(secret)}`],
    [{ type: 'basic', username: 'me' }, secret, '/', basic],
    [{ type: 'path', placeholder: 'bot' }, '12345:Abcdefghi', '/bot{bot}/send', '/bot12345:Abcdefghi/send'],
  ])('%j', async (inject, value, url, arrives) => {
    await world.setSecret('key', value)
    world.web.handler = ({ url: seen, headers }, response) => {
      // Echoed as a careless server does: in the body, in a header, encoded and not.
      const all = JSON.stringify({ seen, headers })
      response.setHeader('x-echo', seen)
      response.end(`${all} ${encodeURIComponent(all)}`)
    }
    const call = await world.call({ credentials: [credential('key', inject)] })
    const answer = await call.http(guestRequest(world.origin, { url }))
    expect(JSON.stringify(world.web.received[0])).toContain(arrives)
    const seen = `${textOf(answer)} ${JSON.stringify(answer)}`
    for (const form of [
      value,
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
      arrives.slice(-24),
    ]) {
      expect(seen, form).not.toContain(form)
    }
    expect(seen).toContain('[REDACTED]')
    const { trace } = await call.figures()
    expect(trace).toMatchObject([{ injected: ['key'], url: `${world.origin}${url}`, status: 200 }])
    expect(trace[0]?.redactions).toBeGreaterThan(0)
    expect(JSON.stringify(trace)).not.toContain(value)
  })

  it('http target, control character, duplicate header: nothing is sent', async () => {
    await world.setSecret('key', 'value-with\nbreak')
    await world.setSecret('good', 'value-of-good')
    const plain = world.rule({ scheme: 'http', port: world.plain.port })
    const http = { allow: [world.rule(), plain] }
    const bearer = (name: string) => ({ http, credentials: [credential(name, { type: 'header', name: 'x-a', prefix: '' })] })
    expect(await world.request({}, bearer('key'))).toMatchObject(failed('auth-required', 'credential_unavailable', false))
    expect(await world.request({ headersJson: '{"X-A":"1"}' }, bearer('good'))).toMatchObject(
      failed('network-denied', 'manual_credentials_denied', false),
    )
    expect(await world.request({ url: `http://web.test:${world.plain.port}/` }, bearer('good'))).toMatchObject(
      failed('network-denied', 'policy_denied', false),
    )
    expect(world.web.connections + world.plain.connections).toBe(0)
  }) // prettier-ignore
})

describe('spec tools 14 redirects', () => {
  it('an allowed hop carries no guest header and no credential', async () => {
    await world.setSecret('key', secret)
    world.web.handler = ({ url }, response) => {
      if (url === '/first') response.writeHead(302, { location: '/second' }).end()
      else response.end('there')
    }
    const call = await world.call({ credentials: [credential('key', { type: 'bearer' })] })
    const request = {
      url: '/first',
      method: 'POST',
      headersJson: '{"x-mine":"1"}',
      body: Buffer.from('data'),
    }
    expect(textOf(await call.http(guestRequest(world.origin, request)))).toBe('there')
    const [first, second] = world.web.received
    expect(first?.headers).toMatchObject({ 'x-mine': '1', authorization: `Bearer ${secret}` })
    expect(second).toMatchObject({ method: 'GET', url: '/second' })
    expect(second?.body.length).toBe(0)
    expect(second?.headers).not.toHaveProperty('x-mine')
    expect(second?.headers).not.toHaveProperty('authorization')
    const { trace, httpRequests, egressBytes } = await call.figures()
    expect(trace).toMatchObject([
      { hop: 0, status: 302, injected: ['key'], verdict: { kind: 'allowed' } },
      { hop: 1, status: 200, injected: [], url: `${world.origin}/second`, verdict: { kind: 'allowed' } },
    ])
    expect({ httpRequests, egressBytes }).toEqual({ httpRequests: 2, egressBytes: 4 })
  })

  it.each([307, 308])('%i keeps method, body and content type', async (status) => {
    world.web.handler = ({ url }, response) => {
      if (url === '/first') response.writeHead(status, { location: '/second' }).end()
      else response.end('there')
    }
    const headersJson = '{"Content-Type":"text/x","x-mine":"1"}'
    const body = Buffer.from('data')
    await world.request({ url: '/first', method: 'PUT', headersJson, body })
    expect(world.web.received[1]).toMatchObject({ method: 'PUT', headers: { 'content-type': 'text/x' } })
    expect(world.web.received[1]?.body.toString()).toBe('data')
    expect(world.web.received[1]?.headers).not.toHaveProperty('x-mine')
  })

  it('the 4th hop is returned as it is', async () => {
    world.web.handler = (_request, response) => response.writeHead(302, { location: '/again' }).end('as is')
    const answer = await world.request()
    expect(answer).toMatchObject({ ok: true, status: 302 })
    expect(textOf(answer)).toBe('as is')
    expect(world.web.received).toHaveLength(4)
  })

  it.each([
    ['a host that is not allowed', () => 'https://evil.test/', 'allowlist'],
    ['https to http', () => `http://web.test:${world.plain.port}/`, 'redirect'],
    ['no web address', () => 'file:///etc/passwd', 'url'],
    ['user-info', () => `https://me@web.test:${world.web.port}/`, 'url'],
    ['a private address', () => `https://www.web.test:${world.web.port}/`, 'address'],
    ['a secret in the address', () => '/?q=ghp_0123456789abcdefghijklmnopqrstuvwxyz', 'request-scan'],
  ])('%s: redirect_denied', async (_title, location, step) => {
    world.dns.names.set('www.web.test', [['127.0.0.5']])
    world.web.handler = (_request, response) => response.writeHead(302, { location: location() }).end()
    const allow = [
      world.rule(),
      world.rule({ host: 'www.web.test' }),
      world.rule({ scheme: 'http', port: world.plain.port }),
    ]
    const call = await world.call({ http: { allow } })
    const answer = await call.http(guestRequest(world.origin))
    expect(answer).toMatchObject(failed('network-denied', 'redirect_denied', true))
    expect(world.web.received).toHaveLength(1)
    expect(world.plain.connections).toBe(0)
    expect((await call.figures()).trace).toMatchObject([
      { hop: 0, status: 302, verdict: { kind: 'allowed' } },
      { hop: 1, status: null, requestBytes: 0, verdict: { kind: 'refused', step, code: 'redirect_denied' } },
    ])
  })
})

describe('spec tools 14 response scan', () => {
  it('echoed secret raw, percent-encoded and in base64: [REDACTED]', async () => {
    await world.setSecret('key', secret)
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]
    world.web.handler = (_request, response) =>
      response.setHeader('x-echo', secret).end(`<${forms.join('> <')}>`)
    const answer = await world.request({}, { credentials: [credential('key', { type: 'bearer' })] })
    expect(textOf(answer)).toBe('<[REDACTED]> <[REDACTED]> <[REDACTED]>')
    expect(answer.ok && JSON.parse(answer.headersJson)).toMatchObject({ 'x-echo': '[REDACTED]' })
  })

  it('ghp_…: the whole response is blocked', async () => {
    world.web.handler = (_request, response) => response.end('a ghp_0123456789abcdefghijklmnopqrstuvwxyz b')
    const call = await world.call()
    expect(await call.http(guestRequest(world.origin))).toEqual({
      ok: false,
      kind: 'operation-failed',
      code: 'response_leak_blocked',
      message: 'response_leak_blocked',
      requestSent: true,
    })
    expect(await call.figures()).toMatchObject({ httpRequests: 1, lastStatus: 200 })
  })

  it('a binary body is untouched byte for byte when clean', async () => {
    const body = Buffer.from(Array.from({ length: 65_536 }, (_, at) => (at * 7_919) % 256))
    world.web.handler = (_request, response) => response.end(body)
    const answer = await world.request()
    expect(answer.ok && body.equals(answer.body)).toBe(true)
  })
})

describe('spec tools 14 cancellation', () => {
  it('ends the request at once, and the server sees no further one', async () => {
    let isClosed = false
    world.web.handler = (_request, response) => response.on('close', () => void (isClosed = true))
    const call = await world.call()
    const waiting = call.http(guestRequest(world.origin, { method: 'POST', body: Buffer.from('12345') }))
    await until(() => expect(world.web.received).toHaveLength(1))
    call.cancel()
    expect(await waiting).toMatchObject(failed('executor', 'cancelled', true))
    expect(await call.http(guestRequest(world.origin))).toMatchObject(failed('executor', 'cancelled', false))
    await until(() => expect(isClosed).toBe(true))
    expect(await call.close()).toMatchObject({ egressBytes: 5, httpRequests: 1 })
    expect(world.web.received).toHaveLength(1)
  })
})

describe('spec tools 4 step 10: connection pools', () => {
  it('requests of a tool share a connection, those of another do not', async () => {
    for (const module of ['one', 'one', 'one', 'two']) {
      expect(await world.request({}, { module })).toMatchObject({ ok: true })
      await until(() => expect(world.parts.egress.idleConnections).toBe(module === 'one' ? 1 : 2))
    }
    expect(world.web.received).toHaveLength(4)
    expect(world.web.connections).toBe(2)
  })
})
