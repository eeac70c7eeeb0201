import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FlowBuffers } from './flow-buffers.ts'
import { BufferAccount } from './host-buffer.ts'
import { capacityFor, maxBufferBytes, tiers } from './tiers.ts'

describe('spec flows 8.3: pools', () => {
  test('a buffer takes up its tier, or its exact size above all tiers', () => {
    const sizes = [0, 1, 256, 257, 4_096, 4_097, 65_536, 65_537, 1_048_576, 1_048_577, maxBufferBytes]
    expect(sizes.map(capacityFor)).toEqual([
      256,
      256,
      256,
      4_096,
      4_096,
      65_536,
      65_536,
      1_048_576,
      1_048_576,
      1_048_577,
      maxBufferBytes,
    ])
    expect(() => new FlowBuffers().allocate(maxBufferBytes + 1, null)).toThrow(RangeError)
  })

  test('storage is used again with another identity, and a stale buffer is an error', () => {
    const buffers = new FlowBuffers()
    const first = buffers.fromBytes(Buffer.from('secret'), '')
    const { id } = first
    first.release()
    const second = buffers.allocate(1, null)
    expect(second.id).not.toBe(id)
    expect(buffers.figures).toEqual({ allocated: 2, returned: 1, reused: 1, fallbacks: 0, liveBytes: 256 })
    expect(() => first.bytes).toThrow(/was touched/)
    expect(() => first.retain()).toThrow(/was retained/)
    expect(() => first.release()).toThrow(/was released/)
    expect(() => buffers.copyOut(first)).toThrow(/was touched/)
    expect(Buffer.from(second.bytes)).toEqual(Buffer.alloc(256))
  })

  test('each holder keeps it, the last gives it back', () => {
    const buffers = new FlowBuffers()
    const buffer = buffers.fromBytes(Buffer.from('shared'), 'text/plain')
    buffer.retain()
    buffer.release()
    expect(Buffer.from(buffers.copyOut(buffer)).toString()).toBe('shared')
    expect(buffers.live).toBe(1)
    buffer.release()
    expect(buffers.live).toBe(0)
  })

  test('more than a tier keeps are plain allocations, counted as fallback', () => {
    const buffers = new FlowBuffers()
    const kept = tiers[3]?.kept ?? 0
    const all = Array.from({ length: kept + 2 }, () => buffers.allocate(1_048_576, null))
    expect(buffers.figures.fallbacks).toBe(2)
    for (const buffer of all) buffer.release()
    const again = Array.from({ length: kept + 1 }, () => buffers.allocate(1_048_576, null))
    expect(buffers.figures).toMatchObject({ reused: kept, fallbacks: 3 })
    for (const buffer of again) buffer.release()
    expect(buffers.figures.liveBytes).toBe(0)
  })

  test('who still has buffers is told with count, bytes and age', () => {
    const buffers = new FlowBuffers()
    const account = new BufferAccount('greedy', 1_000_000)
    buffers.clockMs = 10
    buffers.allocate(10, account)
    buffers.clockMs = 25
    buffers.allocate(5_000, account)
    buffers.fromBytes(Buffer.from('x'), '')
    expect(account.ownedBytes).toBe(256 + 65_536)
    expect(buffers.survivors()).toEqual([
      { owner: 'greedy', count: 2, bytes: 65_792, oldestMs: 15 },
      { owner: null, count: 1, bytes: 256, oldestMs: 0 },
    ])
    expect(buffers.releaseAllOf(account)).toBe(2)
    expect(account.ownedBytes).toBe(0)
  })

  test('spec flows 18, pool privacy: no reuse ever shows a byte of before, whatever the order', () => {
    const step = fc.record({ bytes: fc.integer({ min: 0, max: 5_000 }), keep: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const buffers = new FlowBuffers()
        const held = []
        for (const { bytes, keep } of steps) {
          const buffer = buffers.allocate(bytes, null)
          if (buffer.bytes.some((byte) => byte !== 0)) return false
          buffer.bytes.fill(0xaa, 0, bytes)
          buffer.size = bytes
          if (keep) held.push(buffer)
          else buffer.release()
        }
        for (const buffer of held) buffer.release()
        return buffers.live === 0 && buffers.figures.liveBytes === 0
      }),
    )
  })
})
