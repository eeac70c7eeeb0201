import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalUuid,
  commandFingerprint,
  eventId,
  snapshotName,
  uuidBytes,
  uuidText,
  uuidV7,
} from './identities.ts'

describe('spec decider 7: identities', () => {
  it('event ids of a command match the vectors', () => {
    const namespace = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    expect(eventId(namespace, 0)).toBe('7689a587-dc34-5882-9aeb-9368592f805f')
    expect(eventId(namespace, 1)).toBe('e2ee41ce-8334-587e-86d0-4c4519cbf424')
  })

  it('event ids without a command are UUIDs of version 7 that sort by time', () => {
    const id = uuidV7(0x0123_4567_89ab)
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(uuidV7(2_000) > uuidV7(1_000)).toBe(true)
    expect(eventId(null, 0)).not.toBe(eventId(null, 0))
  })

  it('a UUID is taken in any case and given in one', () => {
    expect(canonicalUuid('6BA7B810-9dad-11d1-80b4-00C04FD430C8')).toBe('6ba7b810-9dad-11d1-80b4-00c04fd430c8')
    for (const bad of ['', '6ba7b8109dad11d180b400c04fd430c8', '6ba7b810-9dad-11d1-80b4-00c04fd430cg', ' ']) {
      expect(canonicalUuid(bad)).toBeNull()
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(new Uint8Array(uuidBytes(uuidText(bytes)))).toEqual(bytes)
      }),
    )
  })

  it('a fingerprint keeps type and payload apart', () => {
    const of = (type: string, payload: string) => commandFingerprint(type, Buffer.from(payload))
    expect(of('a', 'b')).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set([of('a', 'b'), of('ab', ''), of('', 'ab'), of('a', 'c'), of('b', 'b')]).size).toBe(5)
  })
})

describe('spec decider 6: snapshot identity', () => {
  it('is the portable key', () => {
    expect(snapshotName('demo.counter', '0.1.0', 'counter-a1')).toBe(
      'v1_ZGVtby5jb3VudGVyQDAuMS4wL2NvdW50ZXItYTE',
    )
  })

  it('collides for no two identities', () => {
    const name = fc.string({ minLength: 1, unit: fc.constantFrom('a', 'b', '.', '-', 'é') })
    const stream = fc.string({ minLength: 1, unit: fc.constantFrom('a', 'b', '/', '@', '.', ' ', '日') })
    const identity = fc.tuple(name, name, stream)
    fc.assert(
      fc.property(identity, identity, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other)
        expect(snapshotName(...one) === snapshotName(...other)).toBe(same)
      }),
    )
  })
})
