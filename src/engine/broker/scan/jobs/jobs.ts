/** What a scan thread is asked to do; each job is one generator that pauses. */
import { cutText } from '../../../../shared/text.ts'
import type { ExactScanner } from '../exact/exact-scan.ts'
import {
  maxFindings,
  type PatternAction,
  type RedactedText,
  type RequestParts,
  type RequestVerdict,
  type ResponseVerdict,
  type ScanFinding,
  type ScannedResponse,
  type ScrubOptions,
} from '../types.ts'
import { blocks, inspect, redact, tellFindings, type Inspection, type Paused } from './inspect.ts'

const inResponses: readonly PatternAction[] = ['redact']
const inTexts: readonly PatternAction[] = ['block', 'redact']
const everywhere: readonly PatternAction[] = ['block', 'redact', 'warn']

/** Spec tools 4 step 8. */
export function* checkRequest({ texts, body }: RequestParts, exact: ExactScanner): Paused<RequestVerdict> {
  const findings: ScanFinding[] = []
  const parts = [...texts.map(bytesOf), ...(body === undefined ? [] : [body])]
  for (const part of parts) {
    const inspection = yield* inspect(part, exact)
    keep(findings, inspection)
    if (inspection.own.length > 0 || blocks(inspection)) {
      return { kind: 'blocked', findings: findings.map(asRefused) }
    }
  }
  return { kind: 'passed', findings }
}

/** In a request, a value of our own is no match to replace. */
function asRefused(finding: ScanFinding): ScanFinding {
  return finding.pattern === 'own-secret' ? { ...finding, action: 'block' } : finding
}

/** Spec tools 4 step 16: a match that blocks refuses the whole response. */
export function* redactResponse(response: ScannedResponse, exact: ExactScanner): Paused<ResponseVerdict> {
  const findings: ScanFinding[] = []
  const headers: [string, string][] = []
  let redactions = 0
  for (const header of response.headers) {
    const clean: string[] = []
    for (const text of header) {
      const inspection = yield* inspect(bytesOf(text), exact)
      keep(findings, inspection)
      if (blocks(inspection)) return { kind: 'blocked', findings }
      const { bytes, redactions: replaced } = redact(inspection, inResponses)
      redactions += replaced
      clean.push(replaced === 0 ? text : textOf(bytes))
    }
    headers.push([clean[0] ?? '', clean[1] ?? ''])
  }
  const inspection = yield* inspect(response.body, exact)
  keep(findings, inspection)
  if (blocks(inspection)) return { kind: 'blocked', findings }
  const { bytes, redactions: replaced } = redact(inspection, inResponses)
  return { kind: 'passed', headers, body: bytes, redactions: redactions + replaced, findings }
}

export function* redactText(text: string, exact: ExactScanner): Paused<RedactedText> {
  const inspection = yield* inspect(bytesOf(text), exact)
  const { bytes, redactions } = redact(inspection, inTexts)
  return { text: redactions === 0 ? text : textOf(bytes), redactions, findings: tellFindings(inspection) }
}

/** Redaction comes first: what is cut afterwards holds no half of a secret. */
export function* scrub(
  texts: readonly string[],
  { maxBytes }: ScrubOptions,
  exact: ExactScanner,
): Paused<string[]> {
  const clean: string[] = []
  for (const text of texts) {
    const bytes = bytesOf(text)
    // A cut between characters may be up to three bytes short.
    const isCut = maxBytes !== undefined && bytes.length > maxBytes - 4
    const { bytes: kept, redactions } = redact(yield* inspect(bytes, exact, { isCut }), everywhere)
    const whole = redactions === 0 ? text : textOf(kept)
    clean.push(maxBytes === undefined ? whole : cutText(whole, maxBytes))
  }
  return clean
}

function keep(findings: ScanFinding[], inspection: Inspection): void {
  findings.push(...tellFindings(inspection).slice(0, maxFindings - findings.length))
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
