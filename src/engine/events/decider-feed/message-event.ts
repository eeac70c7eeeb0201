/** A decided event as event modules get it: the `message` case of their event variant (docs/module-authors.md). */
import { createHash } from 'node:crypto'
import type { RecordedEvent } from '../../../event-store/event-store.ts'
import type { GuestEvent } from '../../../shared/contracts/event-module.ts'

/** `/paddock/1/<decider>/events`; what the form of topics forbids in a name is percent-encoded. */
export function eventsTopic(decider: string): string {
  return `/paddock/1/${encodeURIComponent(decider)}/events`
}

/**
 * The event for the guest. Its payload is JSON: `type`, `stream`, `revision`, `position`, `id`, `recordedAt`,
 * `headers`, and the event's own payload under `payload` where that is JSON, else under `payloadBase64`.
 */
export function messageOf(decider: string, event: RecordedEvent): GuestEvent {
  const { type, streamId, revision, position, id, recordedAt, headers, payload } = event
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const json = jsonOf(bytes)
  const body = {
    type,
    stream: streamId,
    revision,
    position,
    id,
    recordedAt,
    headers,
    ...(json === undefined ? { payloadBase64: bytes.toString('base64') } : { payload: json }),
  }
  return {
    tag: 'message',
    val: {
      contentTopic: eventsTopic(decider),
      payload: new TextEncoder().encode(JSON.stringify(body)),
      timestamp: BigInt(recordedAt),
    },
  }
}

/** Names the position of a subscription in the module's store: by the decider and the types it asked for. */
export function feedSource(decider: string, types: readonly string[]): string {
  const wanted = types.length === 0 ? 'all' : shortHash([...new Set(types)].sort().join('\n'))
  return `decider:${shortHash(decider)}:${wanted}`
}

/** The position a cursor names, or null when the text is not one of ours. */
export function parseFeedCursor(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    return undefined
  }
}
