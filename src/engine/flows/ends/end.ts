/** What the ends of a flow in the engine look like to its run (spec flows, issue 7: contracts compose). */
import type { HostElement } from '../../../shared/contracts/flow.ts'
import type { PaddockError } from '../../../shared/errors.ts'

/** Feeds a source of the flow. */
export interface SourceEnd {
  /** The flow has room for so many more elements. */
  want(count: number): void
  /** The flow is done with the first `count` elements of this run; answers the position behind them, null without one. */
  settle(count: number): string | null
  /** Elements that were dropped because nobody took them. */
  readonly dropped: number
  close(): void
}

/** Takes what a sink of the flow gives. */
export interface SinkEnd {
  accept(elements: readonly HostElement[]): void
  /** Elements taken and not yet dealt with. */
  readonly pending: number
  /** Settles once everything taken is dealt with, or given up. Never rejects. */
  close(): Promise<void>
  /** What waits is given up; what is under way is not tried again. */
  giveUp(): void
}

export interface SourceEndContext {
  readonly node: string
  /** The position kept of an earlier run, or null. */
  readonly from: string | null
  readonly send: (elements: HostElement[], closed: boolean) => void
  readonly notice: (level: 'debug' | 'info' | 'warn' | 'error', event: string, message: string) => void
  readonly onFailed: (error: PaddockError) => void
}

export interface SinkEndContext {
  readonly node: string
  /** So many elements were dealt with. */
  readonly credit: (elements: number) => void
  readonly notice: SourceEndContext['notice']
  /** It cannot go on; the flow fails. */
  readonly onFailed: (error: PaddockError) => void
}
