import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { defaultLimits, limitBoundsSchema, type ModuleLimits } from '../../shared/domain/limits.ts'
import { PaddockError } from '../../shared/errors.ts'
import { checkLimits, limitBounds, measureMeans } from './operator-limits.ts'

const gibibyte = 1024 ** 3
const bounds = limitBounds({ memoryBytes: 8 * gibibyte, diskBytes: 100 * gibibyte }, gibibyte)

function codeOf(limits: Partial<ModuleLimits>): string | null {
  try {
    checkLimits(limits, bounds)
    return null
  } catch (error) {
    return error instanceof PaddockError ? error.code : 'other'
  }
}

describe('limits of the operator', () => {
  it('stay within the means of the machine', () => {
    expect(bounds.memoryBytes.max).toBe(4 * gibibyte)
    expect(bounds.storeBytes.max).toBe(101 * gibibyte)
    expect(codeOf(defaultLimits)).toBeNull()
    expect(codeOf({})).toBeNull()
  })

  it.each(Object.keys(bounds) as (keyof ModuleLimits)[])('hold %s to its bounds, inclusive', (limit) => {
    const { min, max } = bounds[limit]
    expect(codeOf({ [limit]: min })).toBeNull()
    expect(codeOf({ [limit]: max })).toBeNull()
    for (const wrong of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect([wrong, codeOf({ [limit]: wrong })]).toEqual([wrong, 'module.bad_limits'])
    }
  })

  it('measure a real machine, and no room on a disk that does not tell', async () => {
    const means = await measureMeans(tmpdir())
    expect(means.memoryBytes).toBeGreaterThan(256 * 1024 * 1024)
    expect(limitBoundsSchema.safeParse(limitBounds(means, 0)).success).toBe(true)
    const untold = await measureMeans('/nowhere/at/all')
    expect(limitBoundsSchema.safeParse(limitBounds(untold, 5)).success).toBe(true)
  })
})
