/** Deals with the elements of a sink one batch after the other, in order; what fails is tried again a few times. */
import type { HostElement } from '../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { SinkEnd, SinkEndContext } from './end.ts'

/** Pauses before an element is tried again, in milliseconds. */
const retryAfterMs = [100, 300, 1_000] as const

export interface OrderedSinkOptions {
  readonly context: SinkEndContext
  readonly clock: Clock
  /** Elements that `write` takes at once. */
  readonly batch: number
  /** Deals with them. What it throws is tried again where `isPassing` says so, else it ends the flow. */
  readonly write: (elements: readonly HostElement[]) => Promise<void>
  readonly isPassing: (error: unknown) => boolean
  /** What the sink is, for messages. */
  readonly title: string
  readonly finish?: () => Promise<void>
}

export class OrderedSink implements SinkEnd {
  private readonly options: OrderedSinkOptions
  private readonly waiting: HostElement[] = []
  private underWay = 0
  private working: Promise<void> | null = null
  private hasFailed = false

  constructor(options: OrderedSinkOptions) {
    this.options = options
  }

  get pending(): number {
    return this.waiting.length + this.underWay
  }

  accept(elements: readonly HostElement[]): void {
    if (this.hasFailed) return
    for (const element of elements) this.waiting.push(element)
    this.working ??= this.work()
  }

  giveUp(): void {
    this.hasFailed = true
    this.waiting.length = 0
  }

  async close(): Promise<void> {
    await this.working
    await this.options.finish?.().catch(() => undefined)
  }

  private async work(): Promise<void> {
    const { batch, context } = this.options
    while (this.waiting.length > 0 && !this.hasFailed) {
      const elements = this.waiting.splice(0, batch)
      this.underWay = elements.length
      if (!(await this.write(elements))) break
      this.underWay = 0
      context.credit(elements.length)
    }
    this.working = null
  }

  private async write(elements: readonly HostElement[]): Promise<boolean> {
    const { write, isPassing, context, title, clock } = this.options
    for (let attempt = 0; ; attempt += 1) {
      try {
        await write(elements)
        return true
      } catch (error) {
        if (this.hasFailed) return false
        const pauseMs = retryAfterMs[attempt]
        const message = error instanceof Error ? error.message : String(error)
        if (pauseMs === undefined || !isPassing(error)) {
          this.hasFailed = true
          context.onFailed(
            new PaddockError('flow.end_failed', `${title} at "${context.node}" took no more: ${message}`, {
              cause: error,
            }),
          )
          return false
        }
        context.notice(
          'warn',
          'sink.retry',
          `${title} did not take an element and is asked again: ${message}`,
        )
        await new Promise<void>((resolve) => {
          clock.after(pauseMs, resolve)
        })
      }
    }
  }
}
