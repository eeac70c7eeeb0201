/** What a conformance check found (spec decider 13). */
import type { CheckAnswer, Envelope } from '../../../../shared/contracts/decider-check.ts'

/** `E` checks fail the run; `W` checks only warn. */
export type CheckLevel = 'E' | 'W'

export interface CheckDefinition {
  /** As in the specification: `D1` to `D17`; `S` for the suite's own scenarios. */
  readonly id: string
  readonly level: CheckLevel
  readonly title: string
}

/** The least that shows the fault again, in words and JSON. */
export interface Reproduction {
  readonly case: string
  readonly history: readonly ShownEnvelope[]
  readonly command: ShownEnvelope | null
  /** What was compared, by name. */
  readonly results: Readonly<Record<string, unknown>>
}

export interface ShownEnvelope {
  readonly type: string
  readonly payload: unknown
}

export interface CheckFinding {
  readonly message: string
  readonly reproduction: Reproduction | null
}

export interface CheckVerdict extends CheckDefinition {
  readonly verdict: 'pass' | 'fail' | 'warn' | 'skipped'
  /** Why it failed, or was skipped; what was tried when it passed. */
  readonly message: string
  readonly findings: readonly CheckFinding[]
}

/** Findings kept of one check; the first few tell it. */
const maxFindings = 3

/** The verdict of a check from what it found; none means it passed. */
export function judge(
  definition: CheckDefinition,
  findings: readonly CheckFinding[],
  tried: string,
): CheckVerdict {
  const [first] = findings
  if (first === undefined) return { ...definition, verdict: 'pass', message: tried, findings: [] }
  const more = findings.length - 1
  return {
    ...definition,
    verdict: definition.level === 'E' ? 'fail' : 'warn',
    message: more === 0 ? first.message : `${first.message} (and ${more} more like it)`,
    findings: findings.slice(0, maxFindings),
  }
}

export function skipped(definition: CheckDefinition, why: string): CheckVerdict {
  return { ...definition, verdict: 'skipped', message: why, findings: [] }
}

/** An envelope as people read it: JSON where it is JSON, else text, else hexadecimal. */
export function show({ type, payload }: Envelope): ShownEnvelope {
  return { type, payload: showBytes(payload) }
}

export function showBytes(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes)
  const text = buffer.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(buffer)) return { hex: buffer.toString('hex') }
  try {
    return JSON.parse(text) as unknown
  } catch {
    return { utf8: text }
  }
}

export function showAnswer(answer: CheckAnswer | undefined): unknown {
  if (answer === undefined) return null
  switch (answer.is) {
    case 'decided':
      return { is: answer.is, events: answer.events.map(show) }
    case 'snapshot':
      return { is: answer.is, snapshot: answer.snapshot === null ? null : showBytes(answer.snapshot) }
    default:
      return answer
  }
}
