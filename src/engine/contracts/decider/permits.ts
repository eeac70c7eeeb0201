/**
 * Executions at once over the whole engine (spec decider 4, step 0; 10). A module runs one command at a time, so one
 * permit covers it as long as it has work; nobody waits for a permit: without one the command is shed at once.
 */
import { PaddockError } from '../../../shared/errors.ts'

export class Permits {
  readonly limit: number
  private readonly held = new Map<string, number>()

  constructor(limit: number) {
    this.limit = limit
  }

  get inUse(): number {
    return this.held.size
  }

  /** Takes one for `holder`; the answer gives it back, once however often it is called. Throws `decider.overloaded`. */
  take(holder: string): () => void {
    const already = this.held.get(holder) ?? 0
    if (already === 0 && this.held.size >= this.limit) {
      throw overloaded(`All ${this.limit} executions at once are taken.`, this.limit)
    }
    this.held.set(holder, already + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      const left = (this.held.get(holder) ?? 1) - 1
      if (left === 0) this.held.delete(holder)
      else this.held.set(holder, left)
    }
  }
}

export function overloaded(message: string, limit: number): PaddockError {
  return new PaddockError('decider.overloaded', message, { details: { limit } })
}
