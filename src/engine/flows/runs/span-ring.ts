import type { TraceSpan } from '../../../shared/contracts/flow.ts'

/** Spans kept of one flow. */
const maxSpans = 1_000

/** The last spans of a flow, and who watches them come. */
export class SpanRing {
  private spans: TraceSpan[] = []
  private readonly watchers = new Set<(spans: readonly TraceSpan[]) => void>()
  /** Spans that the program had to leave out. */
  dropped = 0

  add(spans: readonly TraceSpan[], dropped: number): void {
    this.dropped += dropped
    if (spans.length === 0) return
    this.spans = [...this.spans, ...spans].slice(-maxSpans)
    for (const watcher of [...this.watchers]) watcher(spans)
  }

  /** Newest last. */
  all(): TraceSpan[] {
    return [...this.spans]
  }

  clear(): void {
    this.spans = []
    this.dropped = 0
  }

  watch(watcher: (spans: readonly TraceSpan[]) => void): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }
}
