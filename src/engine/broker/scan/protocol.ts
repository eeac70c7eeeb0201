/** Letters between the broker and its scan threads; both are of one build, in one process. */
import type {
  ExactSecret,
  OutputScan,
  RedactedText,
  RequestParts,
  RequestVerdict,
  ResponseVerdict,
  ScannedResponse,
  ScrubOptions,
} from './types.ts'

export type ScanJob =
  | { readonly kind: 'request'; readonly parts: RequestParts }
  | { readonly kind: 'response'; readonly response: ScannedResponse }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'scrub'; readonly texts: readonly string[]; readonly options: ScrubOptions }

export interface ScanResults {
  readonly request: RequestVerdict
  readonly response: ResponseVerdict
  readonly output: OutputScan
  readonly text: RedactedText
  readonly scrub: string[]
}

export interface ScanRequest {
  readonly id: number
  readonly job: ScanJob
  /** Their values are on shared memory: nothing is copied, and the broker overwrites them. */
  readonly secrets: readonly ExactSecret[]
}

/** A fault of ours says nothing of what was scanned. */
export type ScanReply =
  | { readonly id: number; readonly ok: true; readonly result: ScanResults[keyof ScanResults] }
  | { readonly id: number; readonly ok: false }
