/**
 * Waits for the other thread by looking instead of sleeping, where that has lately paid.
 *
 * A sleep and a wake-up cost 20 to 50 µs on either thread, about what a small event takes in the guest.
 * Looking costs a core: it pays only while answers come at once, as they do in a burst on a machine with
 * cores to spare, and it harms where many modules share few. So each spinner learns: after a look in vain
 * it sleeps through twice as many waits as the last time before it tries again.
 */

/** Longest stretch of looking in vain, in waits: at most one look in so many. */
const maxRest = 64

export class AdaptiveSpin {
  private readonly budgetMs: number
  private rest = 0
  private penalty = 1

  /** `budgetMs`: how long one look may take, in milliseconds. */
  constructor(budgetMs: number) {
    this.budgetMs = budgetMs
  }

  /** Looks until `arrived` answers true or the budget is spent; answers whether it arrived. */
  look(arrived: () => boolean): boolean {
    if (arrived()) return true
    if (this.rest > 0) {
      this.rest -= 1
      return false
    }
    const end = performance.now() + this.budgetMs
    do {
      if (arrived()) {
        this.penalty = 1
        return true
      }
    } while (performance.now() < end)
    this.rest = this.penalty
    this.penalty = Math.min(maxRest, this.penalty * 2)
    return false
  }
}
