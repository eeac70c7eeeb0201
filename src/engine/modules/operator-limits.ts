/** The limits an operator may set for a module on this machine. */
import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import type { LimitBounds, ModuleLimits } from '../../shared/domain/limits.ts'
import { PaddockError } from '../../shared/errors.ts'

/** What there is to share out. */
export interface MachineMeans {
  readonly memoryBytes: number
  /** Free on the disk of the state directory. */
  readonly diskBytes: number
}

/** Measures the machine. A disk that does not tell its room sets no bound. */
export async function measureMeans(directory: string): Promise<MachineMeans> {
  const disk = await statfs(directory).catch(() => undefined)
  const free = disk === undefined ? Number.MAX_SAFE_INTEGER : disk.bavail * disk.bsize
  return { memoryBytes: totalmem(), diskBytes: Math.min(free, Number.MAX_SAFE_INTEGER) }
}

/**
 * Bounds of each limit, inclusive: half of the machine's memory, so that the system and the other modules keep
 * theirs; the disk's room beside what the store already takes; ten minutes, since a longer call blocks its queue.
 * Pure.
 */
export function limitBounds(means: MachineMeans, storeUsedBytes: number): LimitBounds {
  return {
    fuelPerCall: { min: 1, max: Number.MAX_SAFE_INTEGER },
    memoryBytes: { min: 65_536, max: Math.floor(means.memoryBytes / 2) },
    deadlineMs: { min: 1, max: 600_000 },
    storeBytes: { min: 0, max: Math.min(means.diskBytes + storeUsedBytes, Number.MAX_SAFE_INTEGER) },
    queueEvents: { min: 1, max: 65_536 },
  }
}

/** Throws `module.bad_limits` naming the first limit out of bounds. */
export function checkLimits(limits: Partial<ModuleLimits>, bounds: LimitBounds): void {
  for (const limit of Object.keys(bounds) as (keyof ModuleLimits)[]) {
    const value = limits[limit]
    const { min, max } = bounds[limit]
    if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) continue
    throw new PaddockError(
      'module.bad_limits',
      `${limit} may be a whole number from ${min} to ${max}, not ${value}.`,
      {
        details: { limit, min, max },
      },
    )
  }
}
