/** Spans of calls: a ring of the last ones, sampled or promoted ones kept for sending (spec flows 11). */
import type { TraceSpan } from '../../../../../shared/contracts/flow.ts'
import type { CopyRecord, ElementBuffer } from '../../stages/stage.ts'
import { spanIdOf } from './span-id.ts'

/** Calls looked back upon when something goes wrong; a power of two (spec flows 11). */
const ringSize = 64
const ringMask = ringSize - 1
/** Kept for one letter; more are counted as dropped. */
const maxKept = 1_024
/** An element slower than this is worth its spans (spec flows 11). */
export const slowElementNs = 10_000_000
/** How long everything is traced after something went wrong. */
const promotedMs = 1_000
const nsPerMs = 1_000_000

export interface SpanFacts {
  readonly node: number
  readonly call: number
  /** Of the call that the element came out of, or 0. */
  readonly parent: number
  readonly function: string
  readonly sequence: number
  readonly startMs: number
  readonly durationNs: number
  readonly outcome: string
}

/** One place of the ring, written over again and again. */
class RingSpan implements SpanFacts {
  node = 0
  call = 0
  parent = 0
  function = ''
  sequence = 0
  startMs = 0
  durationNs = 0
  outcome = ''
  bufferId = -1
  capacity = 0
  size = 0
  isKept = false
}

export interface SpansOptions {
  readonly names: readonly string[]
  readonly spanPrefix: string
  readonly traceId: string
}

export class Spans {
  private readonly names: readonly string[]
  private readonly prefix: string
  private readonly ring = Array.from({ length: ringSize }, () => new RingSpan())
  private next = 0
  private kept: TraceSpan[] = []
  private lost = 0
  private rate = 0
  private share: number
  private promotedUntilMs = 0

  constructor({ names, spanPrefix, traceId }: SpansOptions) {
    this.names = names
    this.prefix = spanPrefix
    // The head of the trace decides by the last 8 bytes of its id; the elements after it follow at even steps.
    this.share = traceId === '' ? 0 : Number(BigInt(`0x${traceId.slice(-16)}`)) / 2 ** 64
  }

  setRate(rate: number): void {
    this.rate = rate
  }

  /** Whether the next element is traced. */
  sample(nowMs: number): boolean {
    if (nowMs < this.promotedUntilMs) return true
    this.share += this.rate
    if (this.share < 1) return false
    this.share -= 1
    return true
  }

  /** Notes a call; keeps it for sending when `keep`. Allocates nothing else. */
  note(
    node: number,
    call: number,
    parent: number,
    name: string,
    sequence: number,
    startMs: number,
    durationNs: number,
    outcome: string,
    buffer: ElementBuffer | null,
    keep: boolean,
    copies: readonly CopyRecord[],
  ): void {
    const place = this.ring[this.next & ringMask]
    if (place === undefined) return
    this.next += 1
    place.node = node
    place.call = call
    place.parent = parent
    place.function = name
    place.sequence = sequence
    place.startMs = startMs
    place.durationNs = durationNs
    place.outcome = outcome
    place.bufferId = buffer === null ? -1 : buffer.id
    place.capacity = buffer === null ? 0 : buffer.capacity
    place.size = buffer === null ? 0 : buffer.size
    place.isKept = keep
    if (keep) this.keep(place, copies)
  }

  /** Something went wrong or was slow: what the ring still knows is kept, and everything for a while. */
  promote(nowMs: number): void {
    if (nowMs < this.promotedUntilMs) return
    this.promotedUntilMs = nowMs + promotedMs
    for (let back = Math.min(ringSize, this.next); back > 0; back -= 1) {
      const place = this.ring[(this.next - back) & ringMask]
      if (place === undefined || place.isKept) continue
      place.isKept = true
      this.keep(place, [])
    }
  }

  get hasKept(): boolean {
    return this.kept.length > 0 || this.lost > 0
  }

  /** What was kept since, taken out. */
  take(): { spans: TraceSpan[]; dropped: number } {
    const taken = { spans: this.kept, dropped: this.lost }
    this.kept = []
    this.lost = 0
    return taken
  }

  private keep(span: RingSpan, copies: readonly CopyRecord[]): void {
    if (this.kept.length >= maxKept) {
      this.lost += 1
      return
    }
    this.kept.push({
      span: spanIdOf(this.prefix, span.call),
      parent: spanIdOf(this.prefix, span.parent),
      node: this.names[span.node] ?? '',
      function: span.function,
      sequence: span.sequence,
      startNs: span.startMs * nsPerMs,
      durationNs: span.durationNs,
      outcome: span.outcome,
      copies: copies.map(({ kind, bytes }) => ({ kind, bytes })),
      buffer: span.bufferId < 0 ? null : { id: span.bufferId, capacity: span.capacity, size: span.size },
    })
  }
}
