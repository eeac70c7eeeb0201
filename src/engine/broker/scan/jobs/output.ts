/**
 * The scan of a call's output (spec tools 6): every string, object key and number of JSON text. What is clean stays as it
 * was written: numbers are not read and written again, which would change large ones.
 */
import type { ExactScanner } from '../exact/exact-scan.ts'
import { maxFindings, type OutputScan, type PatternAction, type ScanFinding } from '../types.ts'
import { blocks, inspect, redact, tellFindings, type Paused } from './inspect.ts'
import { jsonTokens, type JsonToken } from './json-tokens.ts'

const inOutputs: readonly PatternAction[] = ['redact']

export function* scanOutput(text: string, exact: ExactScanner): Paused<OutputScan> {
  try {
    JSON.parse(text)
  } catch {
    return { kind: 'not-json' }
  }
  const bytes = Buffer.from(text)
  if (yield* isClean(bytes, exact)) return { kind: 'passed', text, redactions: 0, findings: [] }
  return yield* rewrite(bytes, exact)
}

/**
 * Almost all outputs are. What is found in a string without escapes is found in the whole text as well, so that only
 * strings with escapes need a look of their own.
 */
function* isClean(bytes: Buffer, exact: ExactScanner): Paused<boolean> {
  const { own, matches } = yield* inspect(bytes, exact)
  if (own.length > 0 || matches.length > 0) return false
  if (!bytes.includes(0x5c)) return true
  let seen = 0
  for (const token of jsonTokens(bytes)) {
    if (++seen % 1_024 === 0) yield
    if (!token.hasEscapes) continue
    const inspection = yield* inspect(valueOf(bytes, token), exact)
    if (inspection.own.length > 0 || inspection.matches.length > 0) return false
  }
  return true
}

function* rewrite(bytes: Buffer, exact: ExactScanner): Paused<OutputScan> {
  const findings: ScanFinding[] = []
  const parts: Buffer[] = []
  const keys = new KeyWatch()
  let from = 0
  let redactions = 0
  let seen = 0
  for (const token of jsonTokens(bytes)) {
    if (++seen % 1_024 === 0) yield
    if (token.kind === 'open') keys.open()
    if (token.kind === 'close') keys.close()
    if (token.kind === 'open' || token.kind === 'close') continue
    const value = valueOf(bytes, token)
    const inspection = yield* inspect(value, exact)
    // A number is no place for a pattern, but a value of ours may be one.
    if (token.kind === 'number' && inspection.own.length === 0) continue
    findings.push(...tellFindings(inspection).slice(0, maxFindings - findings.length))
    if (blocks(inspection)) return { kind: 'blocked', findings }
    const redacted = redact(inspection, inOutputs)
    const isChanged = redacted.redactions > 0
    const text = Buffer.from(redacted.bytes).toString('utf8')
    if (token.kind === 'key' && !keys.add(text, isChanged)) return { kind: 'blocked', findings }
    if (!isChanged) continue
    redactions += redacted.redactions
    const whole = token.kind === 'number' ? '[REDACTED]' : text
    parts.push(bytes.subarray(from, token.start), Buffer.from(JSON.stringify(whole)))
    from = token.end
  }
  parts.push(bytes.subarray(from))
  return { kind: 'passed', text: Buffer.concat(parts).toString('utf8'), redactions, findings }
}

/** The bytes of a string's or number's value. */
function valueOf(bytes: Buffer, token: JsonToken): Buffer {
  if (token.kind === 'number') return bytes.subarray(token.start, token.end)
  if (!token.hasEscapes) return bytes.subarray(token.start + 1, token.end - 1)
  const value: unknown = JSON.parse(bytes.toString('utf8', token.start, token.end))
  return Buffer.from(String(value))
}

/** Knows the keys of the objects that are open. */
class KeyWatch {
  /** Whether each key was changed. */
  private readonly objects: Map<string, boolean>[] = []

  open(): void {
    this.objects.push(new Map())
  }

  close(): void {
    this.objects.pop()
  }

  /** False where it is the same as another that was changed, or was itself changed to be. */
  add(key: string, isChanged: boolean): boolean {
    const keys = this.objects[this.objects.length - 1]
    const known = keys?.get(key)
    keys?.set(key, isChanged || known === true)
    return known === undefined || (!isChanged && !known)
  }
}
