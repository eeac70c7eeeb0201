/** Decisions as NDJSON: a line that says what follows, a line for each decision in global order, a line that ends it. */
import { z } from 'zod'
import { PaddockError } from '../shared/errors.ts'
import type { RecordedCommand, RecordedDecision, RecordedEvent } from './event-store.ts'

const count = z.number().int().min(0)
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)

const headSchema = z.strictObject({
  kind: z.literal('paddock-events'),
  format: z.literal(1),
  module: z.string().min(1).max(128),
})
const decisionSchema = z.strictObject({
  kind: z.literal('decision'),
  stream: z.string().min(1).max(512),
  revision: count.min(1),
  recordedAt: count,
  headers: z.record(z.string(), z.string()),
  command: z
    .strictObject({
      id: uuid,
      type: z.string(),
      fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
      moduleVersion: z.string(),
      recordedAt: count,
    })
    .nullable(),
  events: z.array(z.strictObject({ id: uuid, type: z.string().min(1), payload: base64 })).min(1),
})
const endSchema = z.strictObject({ kind: z.literal('end'), decisions: count, events: count })

/** The first line of an export. */
export function headLine(module: string): string {
  return JSON.stringify({ kind: 'paddock-events', format: 1, module } satisfies z.infer<typeof headSchema>)
}

/** One decision, ids kept; payloads in base64. */
export function decisionLine(decision: RecordedDecision): string {
  const { streamId, firstRevision, recordedAt, headers, command, events } = decision
  const line: z.infer<typeof decisionSchema> = {
    kind: 'decision',
    stream: streamId,
    revision: firstRevision,
    recordedAt,
    headers: { ...headers },
    command:
      command === null
        ? null
        : {
            id: command.id,
            type: command.type,
            fingerprint: command.fingerprint,
            moduleVersion: command.moduleVersion,
            recordedAt: command.recordedAt,
          },
    events: events.map(({ id, type, payload }) => ({
      id,
      type,
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
    })),
  }
  return JSON.stringify(line)
}

/** The last line: without it an export is cut. */
export function endLine(decisions: number, events: number): string {
  return JSON.stringify({ kind: 'end', decisions, events } satisfies z.infer<typeof endSchema>)
}

/** Puts the events of one decision and its command together again. */
export function decisionOf(
  events: readonly RecordedEvent[],
  command: RecordedCommand | null,
): RecordedDecision | null {
  const [first] = events
  if (first === undefined) return null
  return {
    streamId: first.streamId,
    firstRevision: first.revision,
    recordedAt: first.recordedAt,
    headers: first.headers,
    command,
    events,
  }
}

/** Reads the lines of an export one after the other. */
export class ExportReader {
  /** Whose events they are; known after the first line. */
  module: string | undefined
  private line = 0
  private decisions = 0
  private events = 0
  private hasEnded = false

  /** The decision of the line, null for the first and the last. Throws `store.import_mismatch` naming the line. */
  take(text: string): RecordedDecision | null {
    this.line += 1
    const value = this.parsed(text)
    if (this.module === undefined) {
      this.module = this.checked(headSchema, value).module
      return null
    }
    if (this.hasEnded) throw this.bad('something follows the end')
    if (typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'end') {
      const end = this.checked(endSchema, value)
      if (end.decisions !== this.decisions || end.events !== this.events) {
        throw this.bad(`${end.decisions} decisions were written, ${this.decisions} are there`)
      }
      this.hasEnded = true
      return null
    }
    const decision = this.checked(decisionSchema, value)
    this.decisions += 1
    this.events += decision.events.length
    return {
      streamId: decision.stream,
      firstRevision: decision.revision,
      recordedAt: decision.recordedAt,
      headers: decision.headers,
      command: decision.command,
      events: decision.events.map(({ id, type, payload }) => ({
        id,
        type,
        payload: Buffer.from(payload, 'base64'),
      })),
    }
  }

  /** How much was read. Throws `store.import_mismatch` when the export was cut. */
  finish(): { readonly decisions: number; readonly events: number } {
    if (!this.hasEnded) throw this.bad('the export is cut off: its last line is missing')
    return { decisions: this.decisions, events: this.events }
  }

  private parsed(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      throw this.bad('not JSON')
    }
  }

  private checked<T>(schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw this.bad(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim())
  }

  private bad(why: string): PaddockError {
    return new PaddockError('store.import_mismatch', `Line ${this.line} of the export: ${why}.`, {
      details: { line: this.line },
    })
  }
}
