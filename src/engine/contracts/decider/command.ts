/** A command as callers give it, and how it is checked before anything else looks at it (spec decider 4, 10). */
import type { ExecutePayload } from '../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../shared/contracts/decider-limits.ts'
import { PaddockError } from '../../../shared/errors.ts'

export interface DeciderCommand {
  readonly type: string
  readonly payload: Uint8Array
  /** A UUID: makes asking again safe. It is recorded for good. */
  readonly commandId?: string | null | undefined
  /** At least 1; narrows what the command declares. */
  readonly expectedRevision?: number | null | undefined
  /** For people and feeds; nothing is decided from them. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Who sends it; what an authoriser judges. */
  readonly principal?: string | null | undefined
  /** `name@version`: this version, whatever is routed. */
  readonly reference?: string | null | undefined
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Checked before routing, so that nobody hunts for a missing module. Throws `decider.malformed_request`, `.limit_exceeded`. */
export function checkCommand(command: DeciderCommand): ExecutePayload {
  const { type, payload } = command
  if (type === '' || /\p{Cc}/u.test(type)) {
    throw malformed('type', type === '' ? 'is empty' : 'holds a control character')
  }
  if (byteLength(type) > deciderLimits.commandTypeBytes) {
    throw malformed('type', `has more than ${deciderLimits.commandTypeBytes} bytes`)
  }
  if (payload.length > deciderLimits.payloadBytes) {
    throw new PaddockError(
      'decider.limit_exceeded',
      `The payload has ${payload.length} bytes; at most ${deciderLimits.payloadBytes} are allowed.`,
      { details: { limit: 'payload', actual: payload.length, most: deciderLimits.payloadBytes } },
    )
  }
  return {
    type,
    payload,
    commandId: commandIdOf(command.commandId ?? null),
    expectedRevision: revisionOf(command.expectedRevision ?? null),
    headers: headersOf(command.headers ?? {}),
  }
}

/** A present id that cannot be read fails the request; it is never dropped. */
function commandIdOf(text: string | null): string | null {
  if (text === null) return null
  const lower = text.toLowerCase()
  if (!uuid.test(lower)) throw malformed('command id', 'is not a UUID')
  return lower
}

function revisionOf(revision: number | null): number | null {
  if (revision === null || (Number.isSafeInteger(revision) && revision >= 1)) return revision
  throw malformed('expected revision', `is ${revision}; revisions begin at 1`)
}

function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers)
  if (entries.length > deciderLimits.headers) throw limit('headers', entries.length, deciderLimits.headers)
  let bytes = 0
  for (const [name, value] of entries) {
    if (name === '' || /\p{Cc}/u.test(name)) throw malformed('header', 'has an empty or unprintable name')
    if (/[\r\n\0]/.test(value)) throw malformed('header', `${JSON.stringify(name)} holds a line end or NUL`)
    bytes += byteLength(name) + byteLength(value)
  }
  if (bytes > deciderLimits.headerBytes) throw limit('header bytes', bytes, deciderLimits.headerBytes)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

function malformed(part: string, fault: string): PaddockError {
  return new PaddockError('decider.malformed_request', `The ${part} of the command ${fault}.`, {
    details: { part, fault },
  })
}

function limit(what: string, actual: number, most: number): PaddockError {
  return new PaddockError(
    'decider.limit_exceeded',
    `The command has ${actual} ${what}; at most ${most} are allowed.`,
    {
      details: { limit: what, actual, most },
    },
  )
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
