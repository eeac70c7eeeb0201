/** The two gates of one engine: preparing never holds up executing, nor the reverse (spec tools 9). */
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import { Gate } from './gate.ts'

export interface GateSizes {
  /** Permits for compiling, launching and instantiating. */
  readonly prepare: number
  /** Permits for modules with calls under way. */
  readonly execute: number
}

/** Spec tools 9. */
export const defaultGateSizes: GateSizes = { prepare: 16, execute: 64 }

export interface Gates {
  readonly preparing: Gate
  readonly executing: Gate
}

/** Throws `settings.invalid` unless 0 < prepare < execute, both whole (spec tools 9). */
export function createGates(clock: Clock, sizes: GateSizes = defaultGateSizes): Gates {
  const { prepare, execute } = sizes
  if (!Number.isInteger(prepare) || !Number.isInteger(execute) || prepare <= 0 || prepare >= execute) {
    throw new PaddockError(
      'settings.invalid',
      `Permits to prepare (${prepare}) must be whole, above 0 and below those to execute (${execute}).`,
    )
  }
  return {
    preparing: new Gate({ name: 'prepare', permits: prepare, clock }),
    executing: new Gate({ name: 'execute', permits: execute, clock }),
  }
}
