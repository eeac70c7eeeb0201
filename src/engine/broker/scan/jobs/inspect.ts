/** Both scans of one text: the call's own values first, then what looks like a secret in all the rest. */
import type { ExactScanner } from '../exact/exact-scan.ts'
import {
  findingsOf,
  joinOverlapping,
  maskSpans,
  ownSecret,
  replaceSpans,
  type Match,
  type Span,
} from '../matches.ts'
import { PatternScan } from '../patterns/pattern-scan.ts'
import { shortestMatchBytes } from '../patterns/table.ts'
import type { PatternAction, ScanFinding } from '../types.ts'

/** A scan that pauses now and then, so that others on its thread go on as well. */
export type Paused<Result> = Generator<void, Result>

/** Bytes of work between two pauses. */
const blockWork = 65_536

export interface Inspection {
  readonly bytes: Uint8Array
  /** In ascending order, without overlaps. */
  readonly own: readonly Span[]
  readonly matches: readonly Match[]
}

export interface InspectRange {
  readonly from?: number
  readonly to?: number
  /** The text was cut at its end: half a value there counts. */
  readonly isCut?: boolean
}

export function* inspect(
  bytes: Uint8Array,
  exact: ExactScanner,
  range: InspectRange = {},
): Paused<Inspection> {
  const { from = 0, to = bytes.length, isCut = false } = range
  const own = joinOverlapping(yield* exact.search(bytes, from, to, isCut))
  if (to - from < shortestMatchBytes) return { bytes, own, matches: [] }
  // As if they were replaced already: a value of ours that looks like a token blocks nothing.
  const scan =
    own.length === 0 ? new PatternScan(bytes, from, to) : new PatternScan(maskSpans(bytes, own), from, to)
  while (scan.advance(blockWork)) yield
  return { bytes, own, matches: scan.matches }
}

/** Whether a response or an output with it must not be handed on (spec tools 6). */
export function blocks({ matches }: Inspection): boolean {
  return matches.some(({ source }) => source.action === 'block')
}

/** What is to be replaced: own values always, and matches of these actions. */
export function spansOf({ own, matches }: Inspection, actions: readonly PatternAction[]): Span[] {
  return joinOverlapping([...own, ...matches.filter(({ source }) => actions.includes(source.action))])
}

export interface Redacted {
  readonly bytes: Uint8Array
  readonly redactions: number
}

/** The same bytes where there is nothing to replace. */
export function redact(inspection: Inspection, actions: readonly PatternAction[]): Redacted {
  const spans = spansOf(inspection, actions)
  const { bytes } = inspection
  return { bytes: spans.length === 0 ? bytes : replaceSpans(bytes, spans), redactions: spans.length }
}

export function tellFindings({ bytes, own, matches }: Inspection): ScanFinding[] {
  const ours = own.map((span) => ({ ...span, source: ownSecret }))
  return findingsOf(bytes, [...ours, ...matches])
}
