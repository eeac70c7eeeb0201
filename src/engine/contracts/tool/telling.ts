/** Tells of changes of tools at most four times a second, and of every step of a call. */
import type { ToolCallView } from '../../../shared/domain/tool.ts'
import type { Clock } from '../../clock.ts'

const everyMs = 250

export class Telling {
  private readonly clock: Clock
  private readonly listeners = new Set<() => void>()
  private readonly callListeners = new Set<(call: ToolCallView) => void>()
  private cancelTimer: (() => void) | undefined
  private lastTold = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.clock = clock
  }

  get hearsCalls(): boolean {
    return this.callListeners.size > 0
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  onCall(listener: (call: ToolCallView) => void): () => void {
    this.callListeners.add(listener)
    return () => void this.callListeners.delete(listener)
  }

  call(view: ToolCallView): void {
    for (const listener of [...this.callListeners]) listener(view)
  }

  changed(): void {
    if (this.listeners.size === 0 || this.cancelTimer !== undefined) return
    const waitMs = Math.max(0, this.lastTold + everyMs - this.clock.monotonicMs())
    this.cancelTimer = this.clock.after(waitMs, () => {
      this.cancelTimer = undefined
      this.lastTold = this.clock.monotonicMs()
      for (const listener of [...this.listeners]) listener()
    })
  }

  close(): void {
    this.cancelTimer?.()
    this.cancelTimer = undefined
    this.listeners.clear()
    this.callListeners.clear()
  }
}
