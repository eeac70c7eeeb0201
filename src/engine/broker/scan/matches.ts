/** Where something was found, and what becomes of the bytes there. */
import type { PatternAction, ScanFinding } from './types.ts'
import { maxFindings } from './types.ts'

/** What a match was of. */
export interface MatchSource {
  readonly id: string
  readonly action: PatternAction
  /** Whether up to 4 characters of each end may be shown. */
  readonly hasPreview: boolean
}

export interface Match {
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly source: MatchSource
}

export interface Span {
  readonly start: number
  readonly end: number
}

export const ownSecret: MatchSource = { id: 'own-secret', action: 'redact', hasPreview: false }

const marker = Buffer.from('[REDACTED]')
/** Below it, 4 characters of both ends would be too much of a match. */
const minPreviewBytes = 20

/** Overlapping matches as one, in ascending order. */
export function joinOverlapping(matches: readonly Span[]): Span[] {
  const sorted = [...matches].sort((a, b) => a.start - b.start)
  const joined: { start: number; end: number }[] = []
  for (const { start, end } of sorted) {
    const last = joined[joined.length - 1]
    if (last !== undefined && start < last.end) last.end = Math.max(last.end, end)
    else joined.push({ start, end })
  }
  return joined
}

/** The bytes with `[REDACTED]` in place of each span; spans are in ascending order and do not overlap. */
export function replaceSpans(bytes: Uint8Array, spans: readonly Span[]): Buffer {
  const parts: Uint8Array[] = []
  let from = 0
  for (const { start, end } of spans) {
    parts.push(bytes.subarray(from, start), marker)
    from = end
  }
  parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}

/** A copy with the spans overwritten by bytes that are part of no pattern. */
export function maskSpans(bytes: Uint8Array, spans: readonly Span[]): Buffer {
  const masked = Buffer.from(bytes)
  for (const { start, end } of spans) masked.fill(0, start, end)
  return masked
}

/** What may be told of matches: the first 16. */
export function findingsOf(bytes: Uint8Array, matches: readonly Match[]): ScanFinding[] {
  return matches.slice(0, maxFindings).map(({ start, end, source }) => ({
    pattern: source.id,
    action: source.action,
    preview: source.hasPreview ? preview(bytes, start, end) : '',
  }))
}

function preview(bytes: Uint8Array, start: number, end: number): string {
  const text = (from: number, to: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
      .toString('latin1')
      .replace(/[^\x20-\x7e]/g, '?')
  const head = text(start, Math.min(end, start + 4))
  return end - start < minPreviewBytes ? `${head}…` : `${head}…${text(end - 4, end)}`
}
