import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CollectedBytes } from './collected-bytes.ts'

test('answers the pieces in order, whatever their sizes', () => {
  const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(200_000)), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, (lengths) => {
      const pieces = lengths.map((length, index) => new Uint8Array(length).fill(index + 1))
      const collected = new CollectedBytes()
      for (const piece of pieces) collected.add(piece)
      expect(Buffer.concat(pieces).equals(collected.take())).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('two million pieces of a byte take a few megabytes, not an object each', () => {
  const byte = Buffer.of(7)
  const before = process.memoryUsage()
  const collected = new CollectedBytes()
  for (let count = 0; count < 2_000_000; count++) collected.add(byte.subarray(0, 1))
  const after = process.memoryUsage()
  expect(collected.size).toBe(2_000_000)
  const grown = after.heapUsed + after.external - before.heapUsed - before.external
  expect(grown).toBeLessThan(64 * 1_048_576)
})
