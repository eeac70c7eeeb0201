/** Requests of a tool in the last minute and the last hour (spec tools 4 step 1). */
import type { Clock } from '../../clock.ts'

const slots = 60

export interface Rate {
  readonly perMinute: number
  readonly perHour: number
}

/** `refund` takes a request back that was refused later. */
export type RateVerdict =
  { readonly ok: true; readonly refund: () => void } | { readonly ok: false; readonly waitSeconds: number }

/** The windows of all tools; they begin empty with the process. */
export class RateWindows {
  private readonly clock: Clock
  private readonly tools = new Map<string, { readonly minute: Window; readonly hour: Window }>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Takes one request of the tool, or nothing and says how many whole seconds to wait. */
  take(tool: string, rate: Rate): RateVerdict {
    const nowMs = this.clock.monotonicMs()
    const { minute, hour } = this.of(tool)
    const waitMs = Math.max(minute.waitMs(nowMs, rate.perMinute), hour.waitMs(nowMs, rate.perHour))
    if (waitMs > 0) return { ok: false, waitSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) }
    const undo = [minute.add(nowMs), hour.add(nowMs)]
    let isRefunded = false
    return {
      ok: true,
      refund: () => {
        if (isRefunded) return
        isRefunded = true
        for (const each of undo) each()
      },
    }
  }

  private of(tool: string): { readonly minute: Window; readonly hour: Window } {
    const known = this.tools.get(tool)
    if (known !== undefined) return known
    const windows = { minute: new Window(60_000), hour: new Window(3_600_000) }
    this.tools.set(tool, windows)
    return windows
  }
}

/** A sliding window of 60 slots; a slot leaves as a whole, so the window is at most one slot longer than it says. */
class Window {
  private readonly slotMs: number
  private readonly counts = new Map<number, { count: number }>()

  constructor(lengthMs: number) {
    this.slotMs = lengthMs / slots
  }

  /** 0 when one more is within the limit. */
  waitMs(nowMs: number, limit: number): number {
    const first = Math.floor(nowMs / this.slotMs) - slots
    let total = 0
    for (const [slot, { count }] of this.counts) {
      if (slot < first || count === 0) this.counts.delete(slot)
      else total += count
    }
    if (total < limit) return 0
    let leaving = 0
    for (const slot of [...this.counts.keys()].sort((a, b) => a - b)) {
      leaving += this.counts.get(slot)?.count ?? 0
      if (total - leaving < limit) return (slot + slots + 1) * this.slotMs - nowMs
    }
    return slots * this.slotMs
  }

  /** Answers how to take it back. */
  add(nowMs: number): () => void {
    const slot = Math.floor(nowMs / this.slotMs)
    const entry = this.counts.get(slot) ?? { count: 0 }
    this.counts.set(slot, entry)
    entry.count += 1
    return () => void (entry.count -= 1)
  }
}
