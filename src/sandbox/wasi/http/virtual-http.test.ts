import { describe, expect, it } from 'vitest'
import { HostRefusal } from '../../host-refusal.ts'
import { ErrorSide } from '../error-side.ts'
import type { InputStream, OutputStream, WasiClock } from '../streams.ts'
import type { IncomingBody, OutgoingBody } from './bodies.ts'
import { Fields } from './fields.ts'
import type { FutureIncomingResponse, IncomingResponse, OutgoingRequest, RequestOptions } from './messages.ts'
import { createVirtualHttp, type BridgedRequest, type HttpBridge } from './virtual-http.ts'

const clock: WasiClock = { nowMs: () => 0n, monotonicNs: () => 1n, sleep: () => undefined }
const bytes = (text: string) => new TextEncoder().encode(text)

interface Types {
  readonly OutgoingRequest: new (headers: Fields) => OutgoingRequest
  readonly OutgoingBody: { finish(body: OutgoingBody, trailers: undefined): void }
  readonly IncomingBody: { finish(body: IncomingBody): { get(): unknown } }
  readonly RequestOptions: new () => RequestOptions
}

function http(bridge?: HttpBridge) {
  const interfaces = createVirtualHttp(clock, bridge)
  const { handle } = interfaces['wasi:http/outgoing-handler'] as {
    handle(request: OutgoingRequest, options?: RequestOptions): FutureIncomingResponse
  }
  return { handle, types: interfaces['wasi:http/types'] as Types }
}

function bridge(fetch: HttpBridge['fetch'], isProvided = true): HttpBridge {
  return { isProvided: () => isProvided, fetch }
}

function payloadOf(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    if (error instanceof ErrorSide) return error.payload
    throw error
  }
  throw new Error('it did not fail')
}

describe('wasi:http', () => {
  it('sends the parts of a request once its body is finished, and hands the answer over', () => {
    const asked: BridgedRequest[] = []
    const { handle, types } = http(
      bridge((request) => {
        asked.push(request)
        return { status: 201, headers: [{ name: 'x-a', value: 'é' }], body: bytes('answer') }
      }),
    )
    const request = new types.OutgoingRequest(Fields.fromList([['X-One', bytes('1')]]))
    request.setMethod({ tag: 'post' })
    request.setScheme({ tag: 'HTTPS' })
    request.setAuthority('api.example:8443')
    request.setPathWithQuery('/path?query')
    const body = request.body()
    expect(payloadOf(() => request.body())).toBeUndefined()
    const options = new types.RequestOptions()
    options.setFirstByteTimeout(2_000_000_000n)
    const future = handle(request, options)
    expect(future.get()).toBeUndefined()
    const stream: OutputStream = body.write()
    stream.write(bytes('two '))
    stream.blockingWriteAndFlush(bytes('parts'))
    expect(future.get()).toBeUndefined()
    types.OutgoingBody.finish(body, undefined)
    const answer = future.get() as { tag: 'ok'; val: { tag: 'ok'; val: IncomingResponse } }
    expect(asked).toEqual([
      {
        method: 'POST',
        url: 'https://api.example:8443/path?query',
        headers: [{ name: 'X-One', value: '1' }],
        body: bytes('two parts'),
        timeoutMs: 2_000,
      },
    ])
    const response = answer.val.val
    expect(response.status()).toBe(201)
    expect(response.headers().get('X-A')).toEqual([Uint8Array.of(0xe9)])
    expect(payloadOf(() => response.headers().append('x', bytes('y')))).toEqual({ tag: 'immutable' })
    const content = response.consume()
    const input: InputStream = content.stream()
    expect(new TextDecoder().decode(input.read(3n))).toBe('ans')
    expect(input.skip(1n)).toBe(1n)
    expect(new TextDecoder().decode(input.blockingRead(100n))).toBe('er')
    expect(payloadOf(() => input.read(1n))).toEqual({ tag: 'closed' })
    expect(types.IncomingBody.finish(content).get()).toEqual({
      tag: 'ok',
      val: { tag: 'ok', val: undefined },
    })
    expect(future.get()).toEqual({ tag: 'err' })
    expect(asked).toHaveLength(1)
  })

  it('denies every request without the grant, and asks nobody', () => {
    const never = bridge(() => expect.fail('it asked'), false)
    for (const { handle, types } of [http(), http(never)]) {
      const request = new types.OutgoingRequest(new Fields())
      expect(payloadOf(() => handle(request))).toEqual({ tag: 'HTTP-request-denied' })
    }
  })

  it.each([
    ['denied', { tag: 'HTTP-request-denied' }],
    ['unsupported', { tag: 'HTTP-request-denied' }],
    ['unavailable', { tag: 'destination-unavailable' }],
    ['timeout', { tag: 'HTTP-response-timeout' }],
    ['rate-limited', { tag: 'connection-limit-reached' }],
    ['invalid-input', { tag: 'internal-error', val: 'why' }],
  ] as const)('makes %s its own error code', (kind, expected) => {
    const { handle, types } = http(
      bridge(() => {
        throw HostRefusal.of('http', kind, 0, 'why')
      }),
    )
    expect(handle(new types.OutgoingRequest(new Fields())).get()).toEqual({
      tag: 'ok',
      val: { tag: 'err', val: expected },
    })
  })

  it('keeps what is not the guest s out of headers and URLs', () => {
    const { types } = http()
    const fields = new Fields()
    for (const name of ['Host', 'connection', 'Transfer-Encoding']) {
      expect(payloadOf(() => fields.append(name, bytes('x')))).toEqual({ tag: 'forbidden' })
    }
    for (const [name, value] of [
      ['a b', 'x'],
      ['', 'x'],
      ['a', 'x\r\ny: z'],
    ] as const) {
      expect(payloadOf(() => fields.append(name, bytes(value)))).toEqual({ tag: 'invalid-syntax' })
    }
    const request = new types.OutgoingRequest(fields)
    for (const authority of ['a/b', 'a?b', 'a#b', 'a\\b', 'a b']) {
      expect(payloadOf(() => request.setAuthority(authority))).toBeUndefined()
    }
    expect(payloadOf(() => request.setPathWithQuery('/a b'))).toBeUndefined()
    expect(payloadOf(() => request.setMethod({ tag: 'other', val: 'A B' }))).toBeUndefined()
    fields.set('X', [bytes('1'), bytes('2')])
    fields.append('x', bytes('3'))
    expect(fields.get('x')).toHaveLength(3)
    const copy = fields.clone()
    fields.delete('X')
    expect(fields.has('x')).toBe(false)
    expect(copy.has('X')).toBe(true)
  })
})
