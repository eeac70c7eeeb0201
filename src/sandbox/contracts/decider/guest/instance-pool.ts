/**
 * Prepared instances, each for one use: instantiating takes longer than most commands, so it is done when nobody waits
 * (spec decider 4, step 3).
 */
import { DeciderInstance, type InstanceOptions } from './decider-instance.ts'

/** Each holds memory of its own, and a burst soon outruns any stock. */
const stock = 4

export class InstancePool {
  private readonly options: InstanceOptions
  private readonly ready: DeciderInstance[] = []

  constructor(options: InstanceOptions) {
    this.options = options
  }

  /** One that nobody has used. Throws `GuestTrap` and `sandbox.instantiate_failed`. */
  take(): DeciderInstance {
    return this.ready.pop() ?? this.make()
  }

  make(): DeciderInstance {
    return new DeciderInstance(this.options)
  }

  /** Prepares instances as long as nobody waits. A failure is told to whoever needs an instance next. */
  fill(isIdle: () => boolean): void {
    try {
      while (this.ready.length < stock && isIdle()) this.ready.push(this.make())
    } catch {
      this.ready.length = 0
    }
  }

  get memoryBytes(): number {
    return this.ready.reduce((sum, instance) => sum + instance.memoryBytes, 0)
  }
}
