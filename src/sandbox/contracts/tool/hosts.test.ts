/** Host functions of tools between the guest and the engine (spec tools 3, 7.1). */
import { describe, expect, test } from 'vitest'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { CallHost } from '../../programs/guest-program.ts'
import { ActiveCall } from './active-call.ts'
import { Diagnostics } from './diagnostics.ts'
import { toolHost } from './hosts.ts'

interface Functions {
  log(level: string, message: string): void
  nowMillis(): bigint
  workspaceRead(path: string): string | undefined
  httpRequest(...request: unknown[]): unknown
  toolInvoke(alias: string, params: string): unknown
  secretExists(name: string): boolean
}

interface Made {
  readonly functions: Functions
  readonly asked: unknown[]
  readonly lines: string[]
}

const quiet = { drop: () => undefined, flush: () => undefined }

/** Host functions of a call that has `leftMs`, or of none; `answer` is what the engine says. */
function made(answer: (name: string, args: unknown[]) => unknown, leftMs: number | null = 60_000): Made {
  const asked: unknown[] = []
  const lines: string[] = []
  const addOwn = (_level: unknown, _source: unknown, message: string): void => void lines.push(message)
  const call = leftMs === null ? undefined : new ActiveCall({ ...quiet, addOwn }, leftMs)
  const callHost: CallHost = (capability, name, args) => {
    asked.push([capability, name, args])
    return answer(name, args)
  }
  const host = toolHost({ callHost, nowMs: () => 1_234.9, diagnostics: new Diagnostics(), call: () => call })
  return { functions: host.functions as unknown as Functions, asked, lines }
}

const request = ['GET', 'https://a.example/', '{}', undefined, undefined] as const
const answered = { ok: true, status: 200, headersJson: '{}', body: Uint8Array.of(1), bodyBytes: 1 }

test('spec tools 3: without a call everything is refused, empty or false, and the engine is not asked', () => {
  const { functions, asked, lines } = made(() => answered, null)
  functions.log('info', 'x')
  expect(functions.workspaceRead('a')).toBeUndefined()
  expect(functions.secretExists('a')).toBe(false)
  expect(functions.toolInvoke('a', '{}')).toEqual({ tag: 'err', val: 'not_granted' })
  expect(functions.httpRequest(...request)).toMatchObject({
    tag: 'err',
    val: { kind: 'executor', code: 'http_unavailable', requestSent: false },
  })
  expect(functions.nowMillis()).toBe(1_234n)
  expect([asked, lines]).toEqual([[], []])
})

describe('spec tools 3: every function looks at the deadline', () => {
  test('past it on entry nothing is asked', () => {
    const { functions, asked, lines } = made(() => answered, 0)
    functions.log('info', 'x')
    expect(functions.workspaceRead('a')).toBeUndefined()
    expect(functions.secretExists('a')).toBe(false)
    expect(functions.toolInvoke('a', '{}')).toEqual({ tag: 'err', val: 'deadline_exceeded' })
    expect(functions.httpRequest(...request)).toMatchObject({
      tag: 'err',
      val: { kind: 'client', code: 'deadline_exceeded', requestSent: false },
    })
    expect([asked, lines]).toEqual([[], []])
  })

  test('past it on return the answer is none, and what was sent stays sent', () => {
    const late = (answer: unknown) => (): unknown => {
      const ends = performance.now() + 60
      while (performance.now() < ends);
      return answer
    }
    expect(made(late('text'), 50).functions.workspaceRead('a')).toBeUndefined()
    expect(made(late(true), 50).functions.secretExists('a')).toBe(false)
    expect(made(late({ ok: true, output: '1' }), 50).functions.toolInvoke('a', '{}')).toMatchObject({
      val: 'deadline_exceeded',
    })
    expect(made(late(answered), 50).functions.httpRequest(...request)).toMatchObject({
      tag: 'err',
      val: { kind: 'client', code: 'deadline_exceeded', requestSent: true },
    })
    const unsent = { ok: false, kind: 'network-denied', code: 'policy_denied', requestSent: false }
    expect(made(late(unsent), 50).functions.httpRequest(...request)).toMatchObject({
      val: { kind: 'client', code: 'deadline_exceeded', requestSent: false },
    })
  })
})

describe('answers of the engine', () => {
  test('arguments and answers pass as they are', () => {
    const { functions, asked } = made((name) => (name === 'workspace-read' ? 'text' : answered))
    const body = Uint8Array.of(5)
    expect(functions.httpRequest('POST', 'u', '{"a":"b"}', body, 7)).toEqual({
      tag: 'ok',
      val: { status: 200, headersJson: '{}', body: Uint8Array.of(1) },
    })
    expect(functions.workspaceRead('p')).toBe('text')
    expect(asked).toEqual([
      [
        'tool-host',
        'http-request',
        [{ method: 'POST', url: 'u', headersJson: '{"a":"b"}', body, bodyBytes: 1, timeoutMs: 7 }],
      ],
      ['tool-host', 'workspace-read', ['p']],
    ])
  })

  test('a failure keeps kind, code, message and whether it was sent', () => {
    const failure = { ok: false, kind: 'auth-required', code: 'c', message: 'm', requestSent: true }
    expect(made(() => failure).functions.httpRequest(...request)).toEqual({
      tag: 'err',
      val: { kind: 'auth-required', code: 'c', message: 'm', requestSent: true },
    })
  })

  test.each([null, 7, { ok: true }, { ok: true, status: 200, headersJson: '{}', body: [1] }])(
    'a malformed one (%j) is a fault of the host, not an answer',
    (answer) => {
      expect(() => made(() => answer).functions.httpRequest(...request)).toThrow('malformed')
    },
  )
})

describe('bodies go in parts', () => {
  const whole = Uint8Array.from({ length: 600_000 }, (_none, index) => (index * 7) % 251)
  const head = { ...answered, body: whole.slice(0, 262_144), bodyBytes: whole.length }
  const partFrom = ([offset]: unknown[]): unknown => ({
    ok: true,
    part: whole.slice(Number(offset), Number(offset) + 262_144),
  })

  test('a long one is sent before its request and read behind its answer, no message over 256 KiB', () => {
    const { functions, asked } = made((name, args) =>
      name === 'send-body' ? true : name === 'read-body' ? partFrom(args) : head,
    )
    expect(functions.httpRequest('POST', 'u', '{}', whole, undefined)).toEqual({
      tag: 'ok',
      val: { status: 200, headersJson: '{}', body: whole },
    })
    const calls = asked as [string, string, [Uint8Array & { body: Uint8Array; bodyBytes: number }]][]
    expect(calls.map(([, name]) => name)).toEqual([
      ...['send-body', 'send-body', 'http-request'],
      ...['read-body', 'read-body'],
    ])
    const sent = calls.slice(0, 3).map(([, name, [arg]]) => (name === 'http-request' ? arg.body : arg))
    expect(Math.max(...sent.map((part) => part.buffer.byteLength))).toBe(262_144)
    expect(Buffer.concat(sent).equals(whole)).toBe(true)
    expect(calls[2]?.[2][0].bodyBytes).toBe(whole.length)
  })

  test('what the engine does not want is not sent: the request says how long it is', () => {
    const { functions, asked } = made((name) => name !== 'send-body' && answered)
    functions.httpRequest('POST', 'u', '{}', whole, undefined)
    expect(asked.slice(1)).toEqual([
      ['tool-host', 'http-request', [{ method: 'POST', url: 'u', headersJson: '{}', bodyBytes: 600_000 }]],
    ])
  })

  test('an answer that breaks off is a failure, and no half of it is seen', () => {
    const cut = { ok: false, kind: 'executor', code: 'cancelled', message: 'cancelled', requestSent: true }
    const { functions } = made((name) => (name === 'read-body' ? cut : head))
    expect(functions.httpRequest(...request)).toEqual({
      tag: 'err',
      val: { kind: 'executor', code: 'cancelled', message: 'cancelled', requestSent: true },
    })
  })

  test.each([{ ok: true, part: new Uint8Array(0) }, { ok: true, part: new Uint8Array(262_145) }, null])(
    'a part that is none (%#) is a fault of the host and no endless loop',
    (part) => {
      const { functions } = made((name) => (name === 'read-body' ? part : head))
      expect(() => functions.httpRequest(...request)).toThrow('malformed')
    },
  )
})

test('texts of any length are cut on this thread, one longer than their rules allow', () => {
  const long = 'x'.repeat(5_000_000)
  const { functions, asked } = made((name) =>
    name === 'http-request' ? answered : name === 'tool-invoke' ? { ok: true, output: '1' } : null,
  )
  functions.httpRequest(long, long, long, undefined, undefined)
  functions.workspaceRead(long)
  functions.toolInvoke(long, long)
  const texts = JSON.stringify(asked)
  expect(texts.length).toBeLessThan(1_200_000)
  const [[, , [sent]]] = asked as [[string, string, [Record<string, string>]]]
  expect([sent['method']?.length, sent['url']?.length, sent['headersJson']?.length]).toEqual([
    33, 8_193, 16_385,
  ])
})

describe('spec tools 7.1: refusals of the host', () => {
  test.each<[HostErrorKind, string, string, boolean, string]>([
    ['denied', 'executor', 'http_unavailable', false, 'not_granted'],
    ['unsupported', 'executor', 'http_unavailable', false, 'not_granted'],
    ['timeout', 'client', 'deadline_exceeded', false, 'deadline_exceeded'],
    ['rate-limited', 'client', 'rate_limited', false, 'rate_limited'],
    ['unavailable', 'operation-failed', 'egress_failed', true, 'busy'],
    ['internal', 'operation-failed', 'egress_failed', true, 'executor'],
  ])('%s is %s/%s to a request', (kind, failure, code, requestSent, word) => {
    const { functions } = made(() => {
      throw HostRefusal.of('tool', kind, 0, 'a backend at 10.0.0.1 said no')
    })
    expect(functions.httpRequest(...request)).toEqual({
      tag: 'err',
      val: { kind: failure, code, message: code, requestSent },
    })
    expect(functions.toolInvoke('a', '{}')).toEqual({ tag: 'err', val: word })
    expect(functions.workspaceRead('a')).toBeUndefined()
    expect(functions.secretExists('a')).toBe(false)
  })
})
