/** What is in flight, counted so that a stop can wait for it (spec actors-sql 16.10). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'

interface Observer {
  readonly onChange: (value: number) => void
  live: boolean
}

export class Counter {
  private current = 0
  private observers: Observer[] = []
  private readonly onFault: (error: unknown) => void

  /** `onFault` hears of what an observer threw. */
  constructor(onFault: (error: unknown) => void = () => undefined) {
    this.onFault = onFault
  }

  get value(): number {
    return this.current
  }

  /** Observers that have not been taken away; for tests. */
  get observed(): number {
    return this.observers.length
  }

  increment(): void {
    this.current += 1
    this.tell()
  }

  /** Throws `internal.bug` below zero, and stays at zero. */
  decrement(): void {
    if (this.current === 0)
      throw new PaddockError('internal.bug', 'What is in flight was counted down twice.')
    this.current -= 1
    this.tell()
  }

  /** Counts up now, and down once by the guard; a guard used again does nothing but tell `onTwice`. */
  guard(onTwice: () => void = () => undefined): () => void {
    this.increment()
    let released = false
    return () => {
      if (released) {
        onTwice()
        return
      }
      released = true
      this.decrement()
    }
  }

  /** Calls back with every change until the answer is called. */
  observe(onChange: (value: number) => void): () => void {
    const observer: Observer = { onChange, live: true }
    this.observers.push(observer)
    return () => {
      observer.live = false
    }
  }

  /** Waits for zero until `deadlineMs` of the monotonic clock; answers whether it was zero. Zero counts past the deadline too. */
  async waitZero(deadlineMs: number, clock: Clock): Promise<boolean> {
    for (;;) {
      let wake: () => void = () => undefined
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      // Subscribes first, then reads: a change between the two is not missed.
      const stop = this.observe((value) => {
        if (value === 0) wake()
      })
      try {
        if (this.current === 0) return true
        const leftMs = deadlineMs - clock.monotonicMs()
        if (leftMs <= 0) return false
        const cancel = clock.after(leftMs, wake)
        await changed
        cancel()
      } finally {
        stop()
        this.prune()
      }
    }
  }

  private tell(): void {
    this.prune()
    for (const observer of [...this.observers]) {
      if (!observer.live) continue
      try {
        observer.onChange(this.current)
      } catch (error) {
        this.onFault(error)
      }
    }
  }

  private prune(): void {
    if (this.observers.some(({ live }) => !live)) this.observers = this.observers.filter(({ live }) => live)
  }
}
