import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { keccak256 } from 'viem'
import { describe, expect, it } from 'vitest'
import { keccakInTurns } from './keccak.ts'

describe('keccak in turns', () => {
  it('is keccak256 of all parts together', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 5 }), async (parts) => {
        expect(await keccakInTurns(...parts)).toBe(keccak256(Buffer.concat(parts)))
      }),
      { numRuns: 50 },
    )
    const large = new Uint8Array(randomBytes(200_001))
    expect(await keccakInTurns(large.subarray(0, 7), large.subarray(7))).toBe(keccak256(large))
  })

  it('lets other work in between', async () => {
    let turns = 0
    const count = (): void => {
      turns += 1
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    await keccakInTurns(new Uint8Array(1_048_576))
    clearImmediate(timer)
    expect(turns).toBeGreaterThanOrEqual(14)
  })
})
