/** Fuel of one stage, filled anew for each call (spec flows 10.2). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { FuelTank } from '../../../binding/fuel-tank.ts'

/** What stands for no bound. */
const unbounded = 1n << 60n
/** Host calls are charged to the guest's counter in portions of so many units, which is as late as it can notice. */
const portion = 1_024
/** One unit of each host call, and one for so many bytes copied. */
const bytesPerUnit = 64

export class CallFuel {
  private readonly tank: FuelTank
  private units = -1
  private budget = 0n
  /** Charged to the host's calls and not yet to the guest's counter. */
  private pending = 0
  private usedBefore = 0

  constructor(tank: FuelTank) {
    this.tank = tank
  }

  /** Units of all calls that ended. */
  get used(): number {
    return this.usedBefore
  }

  /** Begins a call with `units`, 0 for no bound. */
  begin(units: number): void {
    if (units !== this.units) {
      this.units = units
      this.budget = units === 0 ? unbounded : BigInt(units)
    }
    this.pending = 0
    this.tank.fill(this.budget)
  }

  /** Charges one host call that copied `bytes`. Throws `sandbox.out_of_fuel`. */
  charge(bytes: number): void {
    this.pending += 1 + Math.floor(bytes / bytesPerUnit)
    if (this.pending < portion) return
    this.settle()
    if (this.tank.exhausted()) throw outOfFuel()
  }

  /** Ends a call; throws `sandbox.out_of_fuel` where it used more than it had. */
  end(): void {
    const used = this.account()
    if (this.units !== 0 && used > this.units) throw outOfFuel()
  }

  /** Ends a call that threw; answers whether for want of fuel. */
  endFailed(): boolean {
    const used = this.account()
    return this.tank.exhausted() || (this.units !== 0 && used > this.units)
  }

  private account(): number {
    const used = Number(this.tank.used() ?? 0n) + this.pending
    this.pending = 0
    this.usedBefore += used
    return used
  }

  private settle(): void {
    this.tank.charge(BigInt(this.pending))
    this.pending = 0
  }
}

function outOfFuel(): PaddockError {
  return new PaddockError('sandbox.out_of_fuel', 'the call used more fuel than it was given')
}
