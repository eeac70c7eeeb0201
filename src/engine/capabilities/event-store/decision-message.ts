/**
 * One decision as one JetStream message, so that it is there whole or not at all: a line of JSON that describes it,
 * and behind it the payloads of its events, one after the other.
 */
import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { PaddockError } from '../../../shared/errors.ts'
import type { NewEvent, RecordedCommand, RecordedEvent } from '../../../event-store/event-store.ts'
import { positionOf } from './subjects.ts'

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const hash = z.string().regex(/^[0-9a-f]{64}$/)

const headSchema = z.object({
  format: z.literal(1),
  /** Tells this decision from any other, to find out whether an unanswered publish arrived. */
  decision: uuid,
  streamId: z.string(),
  firstRevision: count.min(1),
  /** When the stream began. */
  createdAt: count,
  recordedAt: count,
  moduleVersion: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  command: z.object({ id: uuid, fingerprint: hash, type: z.string(), recordedAt: count }).nullable(),
  events: z.array(z.object({ id: uuid, type: z.string().min(1), size: count })).min(1),
})

/** A decision as it is stored; `sequence` is its message's. */
export interface Decision extends Omit<z.infer<typeof headSchema>, 'events' | 'format' | 'headers'> {
  readonly headers: Readonly<Record<string, string>>
  readonly events: readonly NewEvent[]
}

export interface StoredDecision extends Decision {
  readonly sequence: number
}

export function encodeDecision(decision: Decision): Uint8Array {
  const { headers, events, ...rest } = decision
  const names = Object.keys(headers).sort()
  const head = {
    format: 1,
    ...rest,
    headers: names.map((name) => [name, headers[name] ?? '']),
    events: events.map(({ id, type, payload }) => ({ id, type, size: payload.length })),
  }
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(head)}\n`, 'utf8'),
    ...events.map(({ payload }) => payload),
  ])
}

/** Reads what `encodeDecision` wrote. Throws `store.corrupt` for anything else. */
export function decodeDecision(data: Uint8Array, sequence: number): StoredDecision {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const end = bytes.indexOf(10)
  const parsed = headSchema.safeParse(end < 0 ? null : json(bytes.toString('utf8', 0, end)))
  if (!parsed.success) throw damaged(sequence)
  const { headers, events, format: _, ...rest } = parsed.data
  let offset = end + 1
  const found = events.map(({ id, type, size }) => {
    const payload = bytes.subarray(offset, offset + size)
    offset += size
    return { id, type, payload }
  })
  if (offset !== bytes.length) throw damaged(sequence)
  return { ...rest, headers: Object.fromEntries(headers), events: found, sequence }
}

export function lastRevisionOf({ firstRevision, events }: Decision): number {
  return firstRevision + events.length - 1
}

/** The events of a decision as everyone sees them. */
export function eventsOf(decision: StoredDecision): RecordedEvent[] {
  const { streamId, firstRevision, headers, recordedAt, sequence, events } = decision
  return events.map((event, index) => ({
    ...event,
    streamId,
    revision: firstRevision + index,
    position: positionOf(sequence, index),
    headers,
    batchIndex: index,
    batchSize: events.length,
    recordedAt,
  }))
}

/** What is recorded of a decision's command, null when it has none. */
export function commandOf(decision: StoredDecision): RecordedCommand | null {
  const { command, streamId, firstRevision, moduleVersion, sequence, events } = decision
  if (command === null) return null
  return {
    ...command,
    streamId,
    firstRevision,
    lastRevision: lastRevisionOf(decision),
    lastPosition: positionOf(sequence, events.length - 1),
    moduleVersion,
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function damaged(sequence: number): PaddockError {
  return new PaddockError('store.corrupt', `Message ${sequence} of the event server is no decision.`, {
    remedy: 'Something else wrote to the subjects of the event store. Restore the server from a backup.',
    details: { sequence },
  })
}
