/**
 * Which components kill the processes they run in (spec tools 9). Whoever ran in a process that died is suspected for a
 * minute and shares no process with others meanwhile; a second death within it, alone this time, convicts.
 */
import type { Clock } from '../../../clock.ts'

/** Two deaths within this quarantine a component, in milliseconds (spec tools 9). */
export const suspicionMs = 60_000

export class Suspects {
  private readonly clock: Clock
  private readonly deaths = new Map<string, number[]>()
  private readonly convicted = new Set<string>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Whether the component must share no process with others now. */
  isSuspected(digest: string): boolean {
    return this.recent(digest).length > 0
  }

  isQuarantined(digest: string): boolean {
    return this.convicted.has(digest)
  }

  /** A process died while these components ran in it; answers the one that is quarantined for it. */
  processDied(digests: readonly string[]): string | null {
    const now = this.clock.monotonicMs()
    for (const digest of digests) this.deaths.set(digest, [...this.recent(digest), now])
    const [only, ...others] = digests
    if (only === undefined || others.length > 0 || this.recent(only).length < 2) return null
    if (this.convicted.has(only)) return null
    this.convicted.add(only)
    return only
  }

  /** The operator installed it anew. */
  release(digest: string): void {
    this.convicted.delete(digest)
    this.deaths.delete(digest)
  }

  private recent(digest: string): number[] {
    const since = this.clock.monotonicMs() - suspicionMs
    const times = (this.deaths.get(digest) ?? []).filter((time) => time > since)
    if (times.length === 0) this.deaths.delete(digest)
    return times
  }
}
