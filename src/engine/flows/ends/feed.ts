/** What waits at a source of a flow: bounded, sent as the flow has room, remembered until the flow is done with it. */
import type { HostElement } from '../../../shared/contracts/flow.ts'

export interface FeedElement extends HostElement {
  /** Where its source goes on behind it, or null for a source without positions. */
  readonly position: string | null
}

export interface FeedBounds {
  readonly elements: number
  readonly bytes: number
}

/** Elements and bytes that wait at one source. */
export const usualFeedBounds: FeedBounds = { elements: 1_024, bytes: 16 * 1024 * 1024 }
/** Bytes of one letter beyond its first element. */
const letterBytes = 1_048_576

export interface FeedOptions {
  readonly bounds?: FeedBounds
  readonly send: (elements: HostElement[], closed: boolean) => void
  /** Called when it was full and is at most half full again. */
  readonly onRoom?: () => void
}

export class Feed {
  private readonly options: FeedOptions
  private readonly bounds: FeedBounds
  private waiting: FeedElement[] = []
  private waitingBytes = 0
  private credit = 0
  private wasFull = false
  private ending: 'open' | 'closing' | 'closed' = 'open'
  /** Positions of elements sent that the flow is not done with, and how many went before them. */
  private positions: (string | null)[] = []
  private settled = 0
  private lastSettled: string | null = null

  constructor(options: FeedOptions) {
    this.options = options
    this.bounds = options.bounds ?? usualFeedBounds
  }

  /** Elements that wait. */
  get length(): number {
    return this.waiting.length
  }

  get isFull(): boolean {
    const { elements, bytes } = this.bounds
    return this.waiting.length >= elements || this.waitingBytes >= bytes
  }

  /** Takes one more; false when there is no room. */
  offer(element: FeedElement): boolean {
    if (this.ending !== 'open') return false
    if (this.isFull) {
      this.wasFull = true
      return false
    }
    this.waiting.push(element)
    this.waitingBytes += element.bytes.length
    this.pump()
    return true
  }

  want(count: number): void {
    this.credit += count
    this.pump()
    if (!this.wasFull || this.ending !== 'open') return
    const { elements, bytes } = this.bounds
    if (this.waiting.length * 2 > elements || this.waitingBytes * 2 > bytes) return
    this.wasFull = false
    this.options.onRoom?.()
  }

  /** Nothing comes after what waits. */
  end(): void {
    if (this.ending !== 'open') return
    this.ending = 'closing'
    this.pump()
  }

  /** The flow is done with the first `count` elements of this run. */
  settle(count: number): string | null {
    const done = Math.min(this.positions.length, count - this.settled)
    if (done > 0) {
      const gone = this.positions.splice(0, done)
      this.settled += done
      this.lastSettled = gone[gone.length - 1] ?? this.lastSettled
    }
    return this.lastSettled
  }

  private pump(): void {
    while (this.credit > 0 && this.waiting.length > 0) this.sendSome()
    if (this.ending === 'closing' && this.waiting.length === 0) {
      this.ending = 'closed'
      this.options.send([], true)
    }
  }

  private sendSome(): void {
    const letter: HostElement[] = []
    let bytes = 0
    for (const element of this.waiting) {
      if (letter.length >= this.credit) break
      if (letter.length > 0 && bytes + element.bytes.length > letterBytes) break
      bytes += element.bytes.length
      letter.push({ bytes: element.bytes, contentType: element.contentType })
      this.positions.push(element.position)
    }
    this.waiting.splice(0, letter.length)
    this.waitingBytes -= bytes
    this.credit -= letter.length
    this.options.send(letter, false)
  }
}
