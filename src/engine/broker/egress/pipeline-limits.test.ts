import { createServer, type AddressInfo, type Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credential, guestRequest, ToolWorld } from '../../../../test/support/tool-world.ts'
import { timeoutOf } from './request-timer.ts'

let world: ToolWorld
let raw: Server | undefined
beforeEach(async () => {
  world = await ToolWorld.open()
})
afterEach(async () => {
  raw?.close()
  raw = undefined
  await world.close()
})

const failed = (kind: string, code: string, requestSent: boolean) => ({ ok: false, kind, code, requestSent })

describe('spec tools 14 caps', () => {
  it('request body +1 byte, and the sum of a call: input', async () => {
    const http = { maxRequestBytes: 100, maxEgressBytes: 1_000 }
    const call = await world.call({ http })
    const send = (bytes: number, url = '/') =>
      call.http(guestRequest(world.origin, { method: 'POST', url, body: Buffer.alloc(bytes) }))
    expect(await send(101)).toMatchObject(failed('input', 'request_too_large', false))
    expect(await send(100)).toMatchObject({ ok: true })
    // A long URL is no way round the sum.
    expect(await send(0, `/${'a'.repeat(1_000)}`)).toMatchObject(failed('input', 'request_too_large', false))
    expect(await call.figures()).toMatchObject({ egressBytes: 100, httpRequests: 1 })
  })

  it('what is injected counts as well', async () => {
    await world.setSecret('key', 'k'.repeat(2_000))
    const credentials = [credential('key', { type: 'bearer' })]
    const answer = await world.request({}, { credentials, http: { maxEgressBytes: 1_000 } })
    expect(answer).toMatchObject(failed('input', 'request_too_large', false))
    expect(world.web.connections).toBe(0)
  })

  it.each([
    ['announced', (bytes: Buffer) => ({ bytes, headers: { 'content-length': String(bytes.length) } })],
    ['chunked', (bytes: Buffer) => ({ bytes, headers: { 'transfer-encoding': 'chunked' } })],
  ])('response +1 byte, %s: output-too-large, sent', async (_title, shape) => {
    let size = 1_000
    world.web.handler = (_request, response) => {
      const { bytes, headers } = shape(Buffer.alloc(size, 'a'))
      response.writeHead(200, headers).end(bytes)
    }
    const http = { maxResponseBytes: 1_000 }
    expect(await world.request({}, { http })).toMatchObject({ ok: true })
    size = 1_001
    const failure = failed('output-too-large', 'response_body_limit_exceeded', true)
    expect(await world.request({}, { http })).toMatchObject(failure)
  })

  it('gzip bomb: output-too-large, sent', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1_048_576))
    world.web.handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    const call = await world.call()
    const answer = await call.http(guestRequest(world.origin))
    expect(answer).toMatchObject(failed('output-too-large', 'response_body_limit_exceeded', true))
    const { bytesIn, trace } = await call.figures()
    expect(bytesIn).toBeLessThanOrEqual(bomb.length + 1_000)
    expect(trace).toMatchObject([{ verdict: { kind: 'failed', code: 'response_body_limit_exceeded' } }])
  })

  it('10 MiB response with a guest of 16 MiB: refused; with 64 MiB: delivered byte for byte', async () => {
    const body = Buffer.alloc(10_485_760, 'ab \n')
    world.web.handler = (_request, response) => response.end(body)
    expect(await world.request({}, { memoryBytes: 16 * 1_048_576 })).toMatchObject(
      failed('output-too-large', 'response_body_limit_exceeded', true),
    )
    const answer = await world.request()
    expect(answer.ok && body.equals(answer.body)).toBe(true)
  })
})

describe('spec tools 14 timeouts', () => {
  it('omitted is 30 s; the least of asked, declared and left applies', () => {
    const times = { timeoutMs: undefined, maxMs: 300_000, leftMs: 300_000 }
    expect(timeoutOf(times)).toBe(30_000)
    expect(timeoutOf({ ...times, timeoutMs: 60_000, leftMs: 5_000 })).toBe(5_000)
    expect(timeoutOf({ ...times, timeoutMs: 60_000, maxMs: 40_000 })).toBe(40_000)
    expect(timeoutOf({ ...times, timeoutMs: 0 })).toBe(1)
    expect(timeoutOf({ ...times, leftMs: -5 })).toBe(1)
  })

  it('a slow server: client/timeout, sent', async () => {
    world.web.handler = () => undefined
    const call = await world.call()
    const answer = await call.http(guestRequest(world.origin, { timeoutMs: 300 }))
    expect(answer).toMatchObject(failed('client', 'timeout', true))
    expect((await call.figures()).trace[0]?.durationMs).toBeGreaterThanOrEqual(290)
  })

  it('a body that comes in drops is held to the whole time', async () => {
    world.web.handler = (_request, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    }
    expect(await world.request({ timeoutMs: 300 })).toMatchObject(failed('client', 'timeout', true))
  })

  it('the deadline of the call comes first: client/deadline_exceeded with the true requestSent', async () => {
    world.web.handler = () => undefined
    const call = await world.call({ deadlineMs: 300 })
    const request = guestRequest(world.origin, { timeoutMs: 60_000 })
    expect(await call.http(request)).toMatchObject(failed('client', 'deadline_exceeded', true))
    expect(await call.http(request)).toMatchObject(failed('client', 'deadline_exceeded', false))
    expect(world.web.received).toHaveLength(1)
  })
})

describe('spec tools 14 request-sent', () => {
  const plainCall = (port: number, host = '127.0.0.1') =>
    world.call({
      http: { allow: [world.rule({ scheme: 'http', host, port })] },
      permittedPrivate: [`127.0.0.1:${port}`],
    })

  it('DNS failure: false', async () => {
    const call = await plainCall(80, 'nobody.web.test')
    const answer = await call.http(guestRequest('http://nobody.web.test'))
    expect(answer).toMatchObject(failed('client', 'dns_failed', false))
    expect(await call.figures()).toMatchObject({ httpRequests: 0, egressBytes: 0, totalBytesOut: 0 })
  })

  it('refused connection and failed TLS: false', async () => {
    const { port } = world.plain
    await world.plain.stop()
    const call = await plainCall(port)
    const request = guestRequest(`http://127.0.0.1:${port}`, { method: 'POST', body: Buffer.from('12345') })
    expect(await call.http(request)).toMatchObject(failed('client', 'network_error', false))
    expect(await call.figures()).toMatchObject({ httpRequests: 0, egressBytes: 0 })
    // The certificate is not for this name.
    world.dns.names.set('other.test', [['127.0.0.1']])
    const other = { http: { allow: [world.rule({ host: 'other.test' })] } }
    const answer = await world.request({ url: `https://other.test:${world.web.port}/` }, other)
    expect(answer).toMatchObject(failed('client', 'network_error', false))
  })

  it('reset after the headers of a bodiless GET: true', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.resetAndDestroy())
    })
    raw = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const call = await plainCall(port)
    const answer = await call.http(guestRequest(`http://127.0.0.1:${port}`))
    expect(answer).toMatchObject(failed('client', 'network_error', true))
    expect(await call.figures()).toMatchObject({ httpRequests: 1, egressBytes: 0 })
  })

  it('egress bytes are the body bytes of sent requests only', async () => {
    const call = await world.call()
    const post = (bytes: number, url = '/') =>
      call.http(guestRequest(world.origin, { method: 'POST', url, body: Buffer.alloc(bytes) }))
    await post(10)
    await post(20, '/?token=1')
    world.web.handler = (_request, response) => void response.destroy()
    await post(30)
    const { egressBytes, totalBytesOut, httpRequests, trace } = await call.figures()
    expect({ egressBytes, httpRequests }).toEqual({ egressBytes: 40, httpRequests: 2 })
    expect(totalBytesOut).toBe(trace.reduce((sum, each) => sum + each.requestBytes, 0))
    expect(trace.map((each) => each.requestBytes > 0)).toEqual([true, false, true])
  })
})

describe('spec tools 14 rate', () => {
  it('61st request in a minute: client/rate_limited, not sent; another tool is unaffected', async () => {
    const http = { rate: { perMinute: 3, perHour: 100 } }
    // Refused requests do not consume the window.
    for (let count = 0; count < 5; count++) {
      expect(await world.request({ url: '/?token=1' }, { http })).toMatchObject({
        code: 'manual_credentials_denied',
      })
    }
    for (let count = 0; count < 3; count++)
      expect(await world.request({}, { http })).toMatchObject({ ok: true })
    const limited = await world.request({}, { http })
    expect(limited).toMatchObject(failed('client', 'rate_limited', false))
    expect(limited).toMatchObject({ message: expect.stringMatching(/^\d{1,2}$/) as unknown })
    expect(world.web.received).toHaveLength(3)
    expect(await world.request({}, { http, module: 'other' })).toMatchObject({ ok: true })
  })

  it('51st request of a call refused', async () => {
    const call = await world.call({ http: { requestsPerCall: 2 } })
    const request = guestRequest(world.origin)
    expect([await call.http(request), await call.http(request)]).toMatchObject([{ ok: true }, { ok: true }])
    expect(await call.http(request)).toMatchObject(failed('client', 'rate_limited', false))
    expect(world.web.received).toHaveLength(2)
  })
})
