/**
 * One event module following one decider (spec decider 11): events in global order, one at a time, at least once. An
 * event whose handler fails is told again, 5 times in all, 200 ms doubling to 30 s; then the projection stops at it
 * with a reason, until the operator retries or skips.
 */
import type { RecordedEvent } from '../../../event-store/event-store.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { EventFeed } from './event-feed.ts'
import type { KeptProjection, ProjectionMemory } from './projection-memory.ts'

/** What became of one delivery. `dropped`: the queue gave it up unhandled. */
export type Delivery =
  | { readonly kind: 'handled' }
  | { readonly kind: 'refused'; readonly error: ErrorReport }
  | { readonly kind: 'crashed'; readonly error: ErrorReport }
  | { readonly kind: 'dropped' }

export type PoisonReason = 'verdict' | 'exhausted' | 'error' | 'crash'

export interface ProjectionView {
  /** The event module. */
  readonly module: string
  /** The decider it follows. */
  readonly decider: string
  /** Names its position in the module's store. */
  readonly source: string
  /** Everything up to it was handled, 0 for nothing. */
  readonly position: number
  readonly state: 'following' | 'retrying' | 'poisoned' | 'closed'
  readonly attempts: number
  readonly poison: {
    readonly reason: PoisonReason
    readonly position: number
    readonly error: ErrorReport
  } | null
}

export interface ProjectionOptions {
  readonly module: string
  readonly decider: string
  readonly source: string
  readonly types: readonly string[]
  /** Where to begin; null with `from` deciding. */
  readonly position: number | null
  readonly from: 'start' | 'now'
  readonly feed: () => Promise<EventFeed>
  readonly clock: Clock
  /** Where it stopped and what was skipped, over a restart. */
  readonly memory: ProjectionMemory
  readonly deliver: (event: RecordedEvent) => Promise<Delivery>
  readonly onNotice: (level: 'info' | 'warn' | 'error', event: string, message: string) => void
}

export const maxDeliveries = 5
/** An event that ends the sandbox takes the module down with it: it is given up sooner. */
export const maxCrashes = 3
const firstDelayMs = 200
const longestDelayMs = 30_000
/** Kinds of an answer that say: this event will never be taken. */
const verdicts: ReadonlySet<unknown> = new Set(['invalid-input', 'unsupported', 'denied'])
/** Failures of the store that trying again cannot mend. */
const hopeless: ReadonlySet<string> = new Set(['store.corrupt', 'store.foreign'])

export class Projection {
  private readonly options: ProjectionOptions
  private deliver: ProjectionOptions['deliver']
  private onNotice: ProjectionOptions['onNotice']
  private readonly ended = new AbortController()
  private position: number
  private state: ProjectionView['state'] = 'following'
  private attempts = 0
  private kept: KeptProjection = { poison: null, skipped: [] }
  private poison: ProjectionView['poison'] = null
  /** Settles what the operator decides about a poisoned event. */
  private decide: ((decision: 'retry' | 'skip') => void) | undefined

  constructor(options: ProjectionOptions) {
    this.options = options
    this.deliver = options.deliver
    this.onNotice = options.onNotice
    this.position = options.position ?? 0
    void this.run()
  }

  view(): ProjectionView {
    const { module, decider, source } = this.options
    const { position, state, attempts, poison } = this
    return { module, decider, source, position, state, attempts, poison }
  }

  /** Goes on with another version of the module, behind what the one before handled. */
  redirect(deliver: ProjectionOptions['deliver'], onNotice: ProjectionOptions['onNotice']): void {
    this.deliver = deliver
    this.onNotice = onNotice
  }

  /** Tells a poisoned event again, with all its attempts. Answers whether there was one. */
  retry(): boolean {
    return this.decided('retry')
  }

  /** Goes on behind a poisoned event. Answers whether there was one. */
  skip(): boolean {
    return this.decided('skip')
  }

  close(): void {
    this.state = 'closed'
    this.ended.abort()
  }

  private decided(decision: 'retry' | 'skip'): boolean {
    const { decide } = this
    this.decide = undefined
    decide?.(decision)
    return decide !== undefined
  }

  private async run(): Promise<void> {
    const { memory, module, source } = this.options
    this.kept = await memory.read(module, source)
    let failures = 0
    let isPlaced = this.options.position !== null || this.options.from === 'start'
    while (!this.hasEnded()) {
      try {
        const feed = await this.options.feed()
        if (!isPlaced) this.position = await feed.last()
        isPlaced = true
        const { types } = this.options
        const filter = types.length === 0 ? {} : { types }
        for await (const event of feed.subscribe(this.position, filter, this.ended.signal)) {
          failures = 0
          await this.handle(event)
          if (this.hasEnded()) return
          this.position = event.position
        }
      } catch (error) {
        const report = toErrorReport(error, 'store.io')
        failures += 1
        if (failures === 1) this.onNotice('warn', 'projection_waits', this.words(report.message))
        if (hopeless.has(report.code)) await this.stopAt(this.position, 'error', report)
        else await this.pause(delayMs(failures))
      }
    }
  }

  /** Returns when the event was handled, skipped, or the projection has ended. */
  private async handle(event: RecordedEvent): Promise<void> {
    const { skipped, poison } = this.kept
    if (skipped.includes(event.position)) return
    // It stopped here before the restart: nothing but the operator's word changes that.
    if (poison?.position === event.position) {
      if ((await this.stopAtEvent(poison.position, poison.reason, poison.error)) === 'skip') {
        this.settled()
        return
      }
    }
    this.attempts = 0
    let crashes = 0
    while (!this.hasEnded()) {
      const delivery = await this.deliver(event)
      if (this.hasEnded()) return
      switch (delivery.kind) {
        case 'handled':
          this.settled()
          return
        case 'dropped':
          // The queue is full of other events: this one has not been tried.
          await this.pause(firstDelayMs)
          continue
        case 'crashed':
          crashes += 1
          break
        case 'refused':
          break
      }
      this.attempts += 1
      this.state = 'retrying'
      const reason = poisonReason(delivery, this.attempts, crashes)
      if (reason === null) {
        await this.pause(delayMs(this.attempts))
        continue
      }
      if ((await this.stopAtEvent(event.position, reason, delivery.error)) === 'skip') {
        this.settled()
        return
      }
      this.attempts = 0
      crashes = 0
    }
  }

  private settled(): void {
    this.state = 'following'
    this.attempts = 0
    this.poison = null
  }

  private async stopAtEvent(
    position: number,
    reason: PoisonReason,
    error: ErrorReport,
  ): Promise<'retry' | 'skip'> {
    await this.remember({ ...this.kept, poison: { reason, position, error } })
    const decision = await this.stopAt(position, reason, error)
    if (this.hasEnded()) return decision
    const { skipped } = this.kept
    await this.remember({ poison: null, skipped: decision === 'skip' ? [...skipped, position] : skipped })
    return decision
  }

  private async remember(kept: KeptProjection): Promise<void> {
    const { memory, module, source } = this.options
    this.kept = kept
    await memory.write(module, source, kept)
  }

  private stopAt(position: number, reason: PoisonReason, error: ErrorReport): Promise<'retry' | 'skip'> {
    this.state = 'poisoned'
    this.poison = { reason, position, error }
    this.onNotice(
      'error',
      'projection_poisoned',
      this.words(`stops at event ${position} (${reason}): ${error.message}`),
    )
    return new Promise((resolve) => {
      const settle = (decision: 'retry' | 'skip'): void => {
        this.ended.signal.removeEventListener('abort', giveUp)
        this.poison = null
        if (!this.hasEnded()) this.state = decision === 'retry' ? 'retrying' : 'following'
        resolve(decision)
      }
      const giveUp = (): void => settle('retry')
      this.decide = settle
      this.ended.signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  private words(what: string): string {
    return `Events of ${this.options.decider}: ${what}`
  }

  private pause(ms: number): Promise<void> {
    const { signal } = this.ended
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end)
        cancel()
        resolve()
      }
      const cancel = this.options.clock.after(ms, end)
      signal.addEventListener('abort', end)
      if (signal.aborted) end()
    })
  }

  private hasEnded(): boolean {
    return this.ended.signal.aborted
  }
}

/** Before the attempt behind `attempts`. */
function delayMs(attempts: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1))
}

function poisonReason(
  delivery: Extract<Delivery, { error: ErrorReport }>,
  attempts: number,
  crashes: number,
): PoisonReason | null {
  if (delivery.kind === 'refused' && verdicts.has(delivery.error.details?.['kind'])) return 'verdict'
  if (crashes >= maxCrashes) return 'crash'
  return attempts >= maxDeliveries ? 'exhausted' : null
}
