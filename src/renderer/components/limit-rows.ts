import type { ModuleLimits } from '../../shared/domain/limits.ts'
import { bytes, duration, fuel, groupDigits, type Measure } from '../format/numbers.ts'

function events(value: number): Measure {
  return { value: groupDigits(value), unit: value === 1 ? 'event' : 'events' }
}

/** The limits of a module in the order they are shown, each with its unit. */
export const limitRows: readonly {
  readonly key: keyof ModuleLimits
  readonly label: string
  readonly format: (value: number) => Measure
}[] = [
  { key: 'fuelPerCall', label: 'Fuel/event', format: fuel },
  { key: 'memoryBytes', label: 'Memory', format: bytes },
  { key: 'deadlineMs', label: 'Time/event', format: duration },
  { key: 'storeBytes', label: 'Store', format: bytes },
  { key: 'queueEvents', label: 'Queue', format: events },
]
