/** What a scan for secrets is asked, and what it answers (spec tools 6). */
import type { Injection } from '../../../shared/contracts/tool.ts'

/** One value of the call itself, as it is looked for in everything that comes and goes. */
export interface ExactSecret {
  readonly name: string
  /** On shared memory, so that scan threads read it and it is overwritten in one place only. */
  readonly value: Uint8Array
  /** How it is injected: basic pairs and whole header values are looked for, too. */
  readonly injections: readonly Injection[]
}

export type PatternAction = 'block' | 'redact' | 'warn'

/** Something that was found. Never a value: `preview` has at most 4 characters of each end, none of keys and own values. */
export interface ScanFinding {
  /** Id of the pattern (`github-token`), or `own-secret`. */
  readonly pattern: string
  readonly action: PatternAction
  readonly preview: string
}

/** What is kept of the findings of one scan; more are counted only. */
export const maxFindings = 16

export interface RequestParts {
  /** Raw URL; decoded path, query names and values; header values (spec tools 4 step 8). */
  readonly texts: readonly string[]
  readonly body: Uint8Array | undefined
}

/** `blocked`: one of the call's own values in any form, or a match of a pattern that blocks. */
export type RequestVerdict =
  | { readonly kind: 'passed'; readonly findings: readonly ScanFinding[] }
  | { readonly kind: 'blocked'; readonly findings: readonly ScanFinding[] }

export interface ScannedResponse {
  /** Name and value. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

/** A clean body comes back byte for byte; with matches, only these are replaced (spec tools 6). */
export type ResponseVerdict =
  | ({
      readonly kind: 'passed'
      /** Matches that were replaced. */
      readonly redactions: number
      readonly findings: readonly ScanFinding[]
    } & ScannedResponse)
  | { readonly kind: 'blocked'; readonly findings: readonly ScanFinding[] }

/** Extends the `OutputVerdict` of the engine's side with what was found. */
export type OutputScan =
  | {
      readonly kind: 'passed'
      readonly text: string
      readonly redactions: number
      readonly findings: readonly ScanFinding[]
    }
  | { readonly kind: 'blocked'; readonly findings: readonly ScanFinding[] }
  | { readonly kind: 'not-json' }

export interface RedactedText {
  readonly text: string
  readonly redactions: number
  readonly findings: readonly ScanFinding[]
}

export interface ScrubOptions {
  /**
   * Bytes of UTF-8 that each text is cut to, on a character boundary, after it was redacted. A text that is as long as
   * that already counts as cut: half a secret at its end is redacted as well.
   */
  readonly maxBytes?: number
}

/** Scans of one call; each runs on a scan thread. All reject with `tool.broker_lost` once the pool is closed. */
export interface CallScanner {
  /** Leaves `body` alone. */
  checkRequest(parts: RequestParts): Promise<RequestVerdict>
  /** Takes `body` over: the caller must not touch it again. */
  redactResponse(response: ScannedResponse): Promise<ResponseVerdict>
  /** Every string, object key and number of JSON text (spec tools 6). */
  scanOutput(text: string): Promise<OutputScan>
  /** Replaces matches that block or redact, in place; those that warn pass. For text the guest may read. */
  redactText(text: string): Promise<RedactedText>
  /** Redact-all: matches that block, redact and warn are replaced in place. For logs, failures and diagnostics. */
  scrub(texts: readonly string[], options?: ScrubOptions): Promise<string[]>
}
