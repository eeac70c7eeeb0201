import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import type { Linkage } from '../../../shared/sandbox/protocol.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'
import { fromGuestError, toGuestError } from './host-errors.ts'
import { CallCounts } from '../call-counts.ts'
import { eventModuleHosts } from './hosts.ts'

type Functions = Record<string, (...params: unknown[]) => unknown>

const logged: string[] = []

function hosts(
  linkages: Record<string, Linkage>,
  services: Partial<GuestServices> = {},
): Map<string, Functions> {
  const linked = eventModuleHosts({
    store: null,
    counts: new CallCounts(),
    linkage: (capability) => linkages[capability] ?? 'denied',
    log: (level, message) => logged.push(`${level} ${message}`),
    callHost: () => {
      throw HostRefusal.of('chain', 'unavailable', 503, 'offline')
    },
    nowMs: () => 1_234.9,
    monotonicNs: () => 5n,
    randomBytes: (length) => new Uint8Array(length).fill(7),
    ...services,
  })
  return new Map(
    linked.map(({ type, functions }) => [type.name.replace(/^.*\/|@.*$/g, ''), functions as Functions]),
  )
}

function trapOf(action: () => unknown): { code: string; message: string } {
  try {
    action()
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('it did not trap')
}

describe('the interfaces of an event module', () => {
  it('are all there, real or stub', () => {
    expect([...hosts({}).keys()].sort()).toEqual([
      'chain', 'clock', 'cow-api', 'http', 'identity', 'local-store', 'logging', 'messaging', 'random', 'remote-store',
    ]) // prettier-ignore
  })

  it('refuse chain requests that are too large before anybody else has to read them', () => {
    const asked: unknown[] = []
    const chain = hosts(
      { chain: 'provided' },
      {
        callHost: (_capability, _name, args) => {
          asked.push(args)
          return '"0x1"'
        },
      },
    ).get('chain')
    const refused = { tag: 'err', val: { domain: 'chain', kind: { tag: 'invalid-input' } } }
    const entry = { method: 'eth_chainId', params: '[]' }
    expect(chain?.['requestBatch']?.(1n, new Array(1_001).fill(entry))).toMatchObject(refused)
    expect(chain?.['request']?.(1n, 'eth_call', ' '.repeat(1_048_569))).toMatchObject(refused)
    const half = { method: 'eth_call', params: ' '.repeat(524_288) }
    expect(chain?.['requestBatch']?.(1n, [half, half])).toMatchObject(refused)
    expect(asked).toEqual([])
    expect(chain?.['request']?.(1n, 'eth_call', ' '.repeat(1_048_568))).toMatchObject({ tag: 'ok' })
    expect(asked).toHaveLength(1)
  })

  it('answer 501 where the host does not provide them', () => {
    const stubs = hosts({ http: 'unsupported', messaging: 'unsupported', 'remote-store': 'denied' })
    expect(stubs.get('http')?.['fetch']?.({})).toMatchObject({
      tag: 'err',
      val: { domain: 'http', kind: { tag: 'unsupported' }, code: 501 },
    })
    expect(stubs.get('messaging')?.['publish']?.('/a', new Uint8Array())).toMatchObject({
      tag: 'err',
      val: { domain: 'messaging', kind: { tag: 'unsupported' }, code: 501 },
    })
    expect(stubs.get('remote-store')?.['upload']?.(new Uint8Array())).toMatchObject({
      tag: 'err',
      val: { domain: 'remote-store', kind: { tag: 'denied' }, code: 0 },
    })
  })

  it('spec nexum-host 18 row 23: drop log lines and trap clock and random where they are stubs', () => {
    logged.length = 0
    const stubs = hosts({ logging: 'unsupported', clock: 'unsupported', random: 'denied' })
    expect(stubs.get('logging')?.['log']?.('info', 'x')).toBeUndefined()
    expect(logged).toEqual([])
    for (const [name, call] of [
      ['clock', () => stubs.get('clock')?.['nowMs']?.()],
      ['clock', () => stubs.get('clock')?.['monotonicNs']?.()],
      ['random', () => stubs.get('random')?.['fill']?.(1)],
    ] as const) {
      const trap = trapOf(call)
      expect(trap.code).toBe('sandbox.trap')
      expect(trap.message).toContain(name)
    }
  })

  it('spec nexum-host 18 row 29: tell the time and give random bytes within bounds', () => {
    const real = hosts({ clock: 'provided', random: 'provided' })
    expect(real.get('clock')?.['nowMs']?.()).toBe(1_234n)
    expect(real.get('clock')?.['monotonicNs']?.()).toBe(5n)
    expect(
      hosts({ clock: 'provided' }, { nowMs: () => -5 })
        .get('clock')
        ?.['nowMs']?.(),
    ).toBe(0n)
    const fill = real.get('random')?.['fill']
    for (const length of [0, 1, 1024 * 1024]) expect((fill?.(length) as Uint8Array).length).toBe(length)
    expect(trapOf(() => fill?.(1024 * 1024 + 1)).code).toBe('sandbox.trap')
    const broken = hosts(
      { random: 'provided' },
      {
        randomBytes: () => {
          throw new Error('no entropy')
        },
      },
    )
    expect(trapOf(() => broken.get('random')?.['fill']?.(8)).code).toBe('sandbox.trap')
  })

  it('spec nexum-host 18 row 29: show the source they are given, which a change of the wall clock does not move', () => {
    let [wall, steady] = [5_000, 10n]
    const clock = hosts({ clock: 'provided' }, { nowMs: () => wall, monotonicNs: () => steady }).get('clock')
    expect([clock?.['nowMs']?.(), clock?.['monotonicNs']?.()]).toEqual([5_000n, 10n])
    ;[wall, steady] = [1_000, 11n]
    expect([clock?.['nowMs']?.(), clock?.['monotonicNs']?.()]).toEqual([1_000n, 11n])
    const fill = hosts({ random: 'provided' }).get('random')?.['fill']
    expect((fill?.(65_536) as Uint8Array).length).toBe(65_536)
  })

  it('carry a batch of answers, each with its own error, and refuse malformed ones', () => {
    const error = { domain: 'chain', kind: 'denied', code: -32601, message: 'no', data: 'x' } as const
    let answer: unknown = [
      { tag: 'ok', val: '1' },
      { tag: 'err', val: error },
    ]
    const chain = hosts({ chain: 'provided' }, { callHost: () => answer }).get('chain')
    const requests = [
      { method: 'a', params: '[]' },
      { method: 'b', params: '[]' },
    ]
    expect(chain?.['requestBatch']?.(1n, requests)).toEqual({
      tag: 'ok',
      val: [
        { tag: 'ok', val: '1' },
        { tag: 'err', val: { ...error, kind: { tag: 'denied' } } },
      ],
    })
    for (const wrong of [
      [{ tag: 'ok', val: '1' }],
      'text',
      [
        { tag: 'ok', val: 1 },
        { tag: 'ok', val: '1' },
      ],
      undefined,
    ]) {
      answer = wrong
      expect(chain?.['requestBatch']?.(1n, requests)).toMatchObject({
        tag: 'err',
        val: { kind: { tag: 'internal' }, code: 0 },
      })
    }
  })

  it('hand on the refusal of the engine', () => {
    expect(hosts({ chain: 'provided' }).get('chain')?.['request']?.(1n, 'a', '[]')).toMatchObject({
      tag: 'err',
      val: { kind: { tag: 'unavailable' }, code: 503 },
    })
  })
})

describe('host errors', () => {
  it('survive the way to the guest and back', () => {
    const error = { domain: 'm', kind: 'rate-limited', code: -1, message: 'x', data: 'y' } as const
    expect(fromGuestError(toGuestError(error))).toEqual(error)
    const bare = { domain: 'm', kind: 'internal', code: 0, message: 'x' } as const
    expect(fromGuestError(toGuestError(bare))).toEqual(bare)
  })

  it('of a guest are cut to what the protocol carries', () => {
    const long = fromGuestError(
      toGuestError({ domain: 'd'.repeat(10_000), kind: 'internal', code: 0, message: 'm'.repeat(100_000) }),
    )
    expect(long.domain).toHaveLength(256)
    expect(long.message).toHaveLength(16_384)
  })
})
