import { describe, expect, it } from 'vitest'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import { HostRefusal } from '../../host-refusal.ts'
import { CallCounts } from '../call-counts.ts'
import { eventModuleHosts } from './hosts.ts'

type Functions = Record<string, (...params: unknown[]) => unknown>

/** The hosts with an engine that answers `answer` to everything, and what it was asked. */
function engine(answer: unknown): { asked: unknown[][]; of: (name: string) => Functions } {
  const asked: unknown[][] = []
  const linked = eventModuleHosts({
    store: null,
    counts: new CallCounts(),
    linkage: () => 'provided',
    log: () => undefined,
    callHost: (capability, name, args) => {
      asked.push([capability, name, ...args])
      if (answer instanceof HostRefusal) throw answer
      return answer
    },
    nowMs: () => 0,
    monotonicNs: () => 0n,
    randomBytes: (length) => new Uint8Array(length),
  })
  return {
    asked,
    of: (name) => linked.find(({ type }) => type.name.includes(`/${name}@`))?.functions as Functions,
  }
}

const ok = (val?: unknown): unknown => (val === undefined ? { tag: 'ok' } : { tag: 'ok', val })
const refused = (domain: string, kind: HostError['kind']): unknown => ({
  tag: 'err',
  val: expect.objectContaining({ domain, kind: { tag: kind } }),
})
const bytes = (length: number): Uint8Array => new Uint8Array(length)

describe('messaging', () => {
  it('asks the engine as the interface is written', () => {
    const silent = engine(undefined)
    expect(silent.of('messaging')['publish']!('/a/1/b/c', bytes(3))).toMatchObject({ tag: 'ok' })
    expect(silent.asked).toEqual([['messaging', 'publish', '/a/1/b/c', bytes(3)]])
    const message = {
      contentTopic: '/a/1/b/c',
      payload: bytes(1),
      timestamp: 2n ** 64n - 1n,
      sender: undefined,
    }
    const full = engine([message, { ...message, sender: bytes(2) }])
    expect(full.of('messaging')['query']!('/a/1/b/c', 1n, undefined, 5)).toEqual(
      ok([message, { ...message, sender: bytes(2) }]),
    )
    expect(full.asked).toEqual([['messaging', 'query', '/a/1/b/c', 1n, undefined, 5]])
  })

  it('keeps what is too large to itself', () => {
    const { of, asked } = engine(undefined)
    expect(of('messaging')['publish']!('/a/1/b/c', bytes(153_601))).toEqual(
      refused('messaging', 'invalid-input'),
    )
    expect(of('messaging')['query']!('x'.repeat(257))).toEqual(refused('messaging', 'invalid-input'))
    expect(asked).toEqual([])
  })
})

describe('remote-store', () => {
  it.each([
    ['upload', 'upload', [bytes(3)]],
    ['download', 'download', [bytes(31)]],
    ['readFeed', 'read-feed', [bytes(20), bytes(32)]],
    ['writeFeed', 'write-feed', [bytes(32), bytes(1)]],
  ])('%s asks for %s', (method, name, params) => {
    const { of, asked } = engine(bytes(32))
    expect(of('remote-store')[method]!(...params)).toEqual(ok(bytes(32)))
    expect(asked).toEqual([['remote-store', name, ...params]])
  })

  it('answers none for a feed without updates, and keeps what is too large to itself', () => {
    const { of, asked } = engine(undefined)
    expect(of('remote-store')['readFeed']!(bytes(20), bytes(32))).toMatchObject({ tag: 'ok', val: undefined })
    asked.length = 0
    expect(of('remote-store')['upload']!(bytes(33_554_433))).toEqual(refused('remote-store', 'invalid-input'))
    expect(asked).toEqual([])
  })
})

describe('cow-api', () => {
  it('asks the engine as the interface is written', () => {
    const { of, asked } = engine('{}')
    expect(of('cow-api')['request']!(1n, 'GET', '/x', undefined)).toEqual(ok('{}'))
    expect(of('cow-api')['submitOrder']!(2n ** 64n - 1n, bytes(2))).toEqual(ok('{}'))
    expect(asked).toEqual([
      ['cow-api', 'request', 1n, 'GET', '/x', undefined],
      ['cow-api', 'submit-order', 2n ** 64n - 1n, bytes(2)],
    ])
    asked.length = 0
    expect(of('cow-api')['submitOrder']!(1n, bytes(4_194_305))).toEqual(refused('cow-api', 'invalid-input'))
    expect(asked).toEqual([])
  })

  it('hands on what the engine refused, with its data', () => {
    const error: HostError = {
      domain: 'cow-api',
      kind: 'denied',
      code: 400,
      message: 'no',
      data: '{"errorType":"X","description":"y"}',
    }
    const { of } = engine(new HostRefusal(error))
    expect(of('cow-api')['submitOrder']!(1n, bytes(2))).toEqual({
      tag: 'err',
      val: { ...error, kind: { tag: 'denied' } },
    })
  })
})

it.each([
  ['messaging', 'query', ['/a/1/b/c', undefined, undefined, undefined]],
  ['messaging', 'publish', ['/a/1/b/c', new Uint8Array(1)]],
  ['remote-store', 'download', [new Uint8Array(32)]],
  ['remote-store', 'readFeed', [new Uint8Array(20), new Uint8Array(32)]],
  ['cow-api', 'request', [1n, 'GET', 'x', undefined]],
])('%s.%s tells the guest nothing of a malformed answer', (name, method, params) => {
  expect(engine(7).of(name)[method]!(...params)).toEqual(refused(name, 'internal'))
})
