/**
 * One fuel budget for the metered core modules of a component.
 *
 * Each module has a counter of its own, the mutable i64 global it exports as `paddock:fuel`. The tank puts the
 * whole budget into every counter before a call and adds up what they lost after it. The sum is exact; only the
 * stop is loose: modules that call each other may burn up to one budget each before one of them traps.
 */
import { PaddockError } from '../../shared/errors.ts'

export const fuelExport = 'paddock:fuel'
/** A mutable i32 global: not 0 once a growth of memory was refused. */
const refusedExport = 'paddock:refused'

/** More would leave no room below zero for the last charge before a trap. */
const maxBudget = 1n << 60n

/** A mutable i64 global. */
interface Counter {
  value: bigint
}

export class FuelTank {
  private readonly counters: Counter[] = []
  private readonly refusals: WebAssembly.Global[] = []
  private budget = 0n

  /** Adds a core instance; one that is not metered counts nothing. */
  attach(instance: WebAssembly.Instance): void {
    const refused = instance.exports[refusedExport]
    if (refused instanceof WebAssembly.Global) this.refusals.push(refused)
    const counter = instance.exports[fuelExport]
    if (!(counter instanceof WebAssembly.Global) || typeof counter.value !== 'bigint') return
    // A guest's own constant of that name is no counter: it would neither be set nor fall.
    try {
      counter.value = this.budget
    } catch {
      return
    }
    this.counters.push(counter as Counter)
  }

  /** Whether any attached instance is metered. */
  get metered(): boolean {
    return this.counters.length > 0
  }

  /** Sets every counter; `budget` in fuel units, 0 to 2⁶⁰ (`RangeError` else). */
  fill(budget: bigint): void {
    if (budget < 0n || budget > maxBudget) throw new RangeError('the fuel budget is out of range')
    this.budget = budget
    for (const counter of this.counters) counter.value = budget
  }

  /** Charges for work done on the guest's behalf; the guest notices at its next check. */
  charge(units: bigint): void {
    const counter = this.counters[0]
    if (counter !== undefined && units > 0n) counter.value -= units
  }

  /** Units used since the last `fill`; undefined where nothing is metered. */
  used(): bigint | undefined {
    if (!this.metered) return undefined
    let used = 0n
    for (const counter of this.counters) used += this.budget - counter.value
    return used
  }

  /** Whether any growth of memory was refused since instantiation: a trap after it is for want of memory. */
  get wasRefusedMemory(): boolean {
    return this.refusals.some((refused) => refused.value !== 0)
  }

  /** Whether the budget is spent: the only sign of it, since the trap looks like any other. */
  exhausted(): boolean {
    const used = this.used()
    return used !== undefined && (used > this.budget || this.counters.some((counter) => counter.value < 0n))
  }
}

export interface GuestCallResult<T> {
  readonly value: T
  /** Fuel units, undefined for an unmetered component. */
  readonly fuel: bigint | undefined
}

/**
 * Runs `call` with at most `budget` fuel units. Throws `sandbox.out_of_fuel` when they did not suffice, else
 * what `call` throws; `tank.used()` tells what was used in either case.
 */
export function callGuest<T>(tank: FuelTank, budget: bigint, call: () => T): GuestCallResult<T> {
  tank.fill(budget)
  try {
    const value = call()
    // The last charges of a call may come after its last check.
    if (tank.exhausted()) throw outOfFuel(budget)
    return { value, fuel: tank.used() }
  } catch (error) {
    if (tank.exhausted()) throw outOfFuel(budget, error)
    throw error
  }
}

function outOfFuel(budget: bigint, cause?: unknown): PaddockError {
  return new PaddockError('sandbox.out_of_fuel', `the call used more than its ${budget} units of fuel`, {
    cause,
  })
}
