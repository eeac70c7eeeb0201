/** Rows of an event store as values of its interface. */
import type { RecordedCommand, RecordedEvent } from '../event-store.ts'
import { uuidText } from '../identities.ts'

/** An event as its statement answers it in raw mode. */
export type EventRow = [
  position: number,
  streamId: string,
  revision: number,
  eventId: Buffer,
  type: string,
  payload: Buffer,
  headers: string,
  batchIndex: number,
  batchSize: number,
  recordedAt: number,
]

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

export function eventOf(row: EventRow): RecordedEvent {
  const [position, streamId, revision, id, type, payload, headers, batchIndex, batchSize, recordedAt] = row
  return {
    id: uuidText(id),
    type,
    payload,
    streamId,
    revision,
    position,
    headers: headers === '{}' ? noHeaders : (JSON.parse(headers) as Record<string, string>),
    batchIndex,
    batchSize,
    recordedAt,
  }
}

/** A command whose id is 32 hexadecimal digits. */
export function commandOf(row: RecordedCommand): RecordedCommand {
  return { ...row, id: uuidText(Buffer.from(row.id, 'hex')) }
}

/** Headers as JSON, sorted by name (spec decider 10), whatever the names are. */
export function headersText(headers: Readonly<Record<string, string>>): string {
  const names = Object.keys(headers)
  if (names.length === 0) return '{}'
  const parts = names.sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(headers[name])}`)
  return `{${parts.join(',')}}`
}
