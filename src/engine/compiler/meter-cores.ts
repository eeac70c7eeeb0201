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
  let tables = 0
  const meterAll = (
    memoryCap: (minimum: bigint) => bigint,
  ): { name: string; bytes: Uint8Array; pages: bigint }[] =>
    [...transpiled.cores].map(([name, core]) => {
      const times = transpiled.instantiations.get(name) ?? 0
      const metered = meterModule(core, {
        memoryCap(minimum) {
          for (let instance = 0; instance < times; instance++) minimums.push(minimum)
          return memoryCap(minimum)
        },
        maxMemories,
        maxTableElements: limits.tableElements,
        ...(limits.parts === undefined ? {} : { maxTables: limits.parts.tables }),
        initialFuel: BigInt(limits.initialFuel),
      })
      tables += metered.tables * times
      return { name, bytes: metered.bytes, pages: metered.memoryPages * BigInt(times) }
    })

  let metered = meterAll(() => limitPages)
  const coreInstances = [...transpiled.instantiations.values()].reduce((total, times) => total + times, 0)
  checkParts(limits, { coreInstances, tables, memories: minimums.length })
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

/** Throws `compiler.over_limit` naming what there is too much of. */
function checkParts(
  { parts }: CompiledLimits,
  actual: Readonly<Record<'coreInstances' | 'tables' | 'memories', number>>,
): void {
  if (parts === undefined) return
  for (const [key, what] of [
    ['coreInstances', 'core instances'],
    ['tables', 'tables'],
    ['memories', 'memories'],
  ] as const) {
    if (actual[key] <= parts[key]) continue
    throw new PaddockError(
      'compiler.over_limit',
      `The component has ${actual[key]} ${what}; at most ${parts[key]} are allowed.`,
      { details: { limit: what, actual: actual[key], most: parts[key] } },
    )
  }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
