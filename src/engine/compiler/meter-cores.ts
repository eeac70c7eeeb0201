/** Meters all core modules of a component, and shares out the memory among them. */
import { PaddockError } from '../../shared/errors.ts'
import type { CompiledLimits } from '../../shared/compiler/protocol.ts'
import { meterModule } from './metering/meter.ts'
import type { Transpiled } from './transpile.ts'

const pageBytes = 65_536
/** Memories in one core module; no toolchain writes more than one yet. */
const maxMemories = 16

export interface MeteredCores {
  readonly cores: ReadonlyMap<string, Uint8Array>
  /** The most bytes that all memories can reach together. */
  readonly memoryBytes: number
}

/**
 * Meters each core module, with caps such that all memories together stay within `limits.memoryBytes`
 * (DESIGN, "Limits"): each may grow by a share of what they leave unused at the start, in proportion to what it
 * starts with, counted once for each time that its module is instantiated. So the small memories of a toolchain's
 * adapters hardly take from the guest's own, and a single memory gets the whole limit.
 *
 * Throws what `meterModule` throws.
 */
export function meterCores(transpiled: Transpiled, limits: CompiledLimits): MeteredCores {
  const limitPages = BigInt(Math.floor(limits.memoryBytes / pageBytes))
  const minimums: bigint[] = []
  const meterAll = (
    memoryCap: (minimum: bigint) => bigint,
  ): { name: string; bytes: Uint8Array; pages: bigint }[] =>
    [...transpiled.cores].map(([name, core]) => {
      const times = transpiled.instantiations.get(name) ?? 0
      const { bytes, memoryPages } = meterModule(core, {
        memoryCap(minimum) {
          for (let instance = 0; instance < times; instance++) minimums.push(minimum)
          return memoryCap(minimum)
        },
        maxMemories,
        maxTableElements: limits.tableElements,
        initialFuel: BigInt(limits.initialFuel),
      })
      return { name, bytes, pages: memoryPages * BigInt(times) }
    })

  let metered = meterAll(() => limitPages)
  if (sum(metered.map((core) => core.pages)) > limitPages) {
    const used = sum(minimums)
    if (used > limitPages) {
      throw new PaddockError(
        'compiler.over_limit',
        `The component's memories start with ${used} pages of 64 KiB; at most ${limitPages} are allowed.`,
      )
    }
    const weights = used + BigInt(minimums.length)
    metered = meterAll((minimum) => minimum + ((minimum + 1n) * (limitPages - used)) / weights)
  }
  return {
    cores: new Map(metered.map(({ name, bytes }) => [name, bytes])),
    memoryBytes: Number(sum(metered.map((core) => core.pages))) * pageBytes,
  }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
