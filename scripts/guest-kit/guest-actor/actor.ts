// Makes the contract's exports of an author's migrations and requests.
import type { ActorError, StartInfo, StopCause } from 'paddock:sql/lifecycle@0.1.0'
import { decodeText, encodeText, wellFormed } from '../guest/text.ts'

/** An error that callers see as written. */
export class UserError extends Error {
  readonly code: string
  readonly metadata: unknown

  constructor(code: string, message: string, metadata?: unknown) {
    super(message)
    this.name = 'UserError'
    this.code = code
    this.metadata = metadata
  }
}

/** Thrown by a request whose input it cannot use. */
export class InvalidPayload extends Error {}

export interface Start extends Omit<StartInfo, 'input'> {
  /** What the creator of the actor gave it, read as JSON; undefined else. */
  input: unknown
}

export interface ActorDefinition {
  /** Ordered scripts, each run once, before `start`. Scripts are only ever added at the end. */
  readonly migrations?: readonly string[]
  readonly start?: (info: Start) => void
  /** By method name; gets the payload read as JSON, and its result is answered as JSON. */
  readonly requests: Readonly<Record<string, (input: never) => unknown>>
  readonly sleep?: () => void
  readonly stop?: (cause: StopCause) => void
}

export interface Lifecycle {
  migrations(): string[]
  onStart(info: StartInfo): void
  onRequest(method: string, payload: Uint8Array): Uint8Array
  onSleep(): void
  onStop(cause: StopCause): void
}

export function actor(definition: ActorDefinition): Lifecycle {
  const { migrations = [], requests } = definition
  return {
    migrations: () => migrations.map(wellFormed),
    onStart: (info) => {
      const input = info.input === null ? undefined : fromJson(info.input)
      finished('start', definition.start?.({ ...info, input }))
    },
    onRequest: (method, payload) => {
      const request = Object.hasOwn(requests, method) ? requests[method] : undefined
      if (request === undefined) throw methodNotFound(method)
      // The definition says what each of its methods takes; what a caller sends is theirs to check.
      return toJson(finished(method, request(fromJson(payload) as never)))
    },
    onSleep: () => void finished('sleep', definition.sleep?.()),
    onStop: (cause) => void finished('stop', definition.stop?.(cause)),
  }
}

function finished(name: string, value: unknown): unknown {
  if (value instanceof Promise) throw new Error(`${name} must not be async: host calls answer at once.`)
  return value
}

function methodNotFound(method: string): Error {
  return Object.assign(new Error(`no method ${method}`), {
    payload: { tag: 'method-not-found', val: method },
  })
}

function fromJson(payload: Uint8Array): unknown {
  if (payload.length === 0) return {}
  try {
    return JSON.parse(decodeText(payload)) as unknown
  } catch {
    throw new InvalidPayload('The payload is not JSON.')
  }
}

/** Bigints become decimal text, blobs hexadecimal. */
function toJson(value: unknown): Uint8Array {
  const text: unknown = JSON.stringify(value ?? null, (_, each: unknown) => {
    if (typeof each === 'bigint') return String(each)
    if (!(each instanceof Uint8Array)) return each
    return Array.from(each, (byte) => byte.toString(16).padStart(2, '0')).join('')
  })
  return encodeText(typeof text === 'string' ? text : 'null')
}

/** Anything thrown as the contract's error: what else crosses would end the instance. */
export function toActorError(thrown: unknown): ActorError {
  if (thrown instanceof UserError) {
    const metadata: unknown = thrown.metadata === undefined ? undefined : JSON.stringify(thrown.metadata)
    const text = typeof metadata === 'string' ? wellFormed(metadata) : null
    return {
      tag: 'user',
      val: { code: wellFormed(thrown.code), message: wellFormed(thrown.message), metadata: text },
    }
  }
  if (thrown instanceof InvalidPayload) return { tag: 'invalid-payload', val: wellFormed(thrown.message) }
  if (isNotFound(thrown)) return thrown.payload
  if (!(thrown instanceof Error)) return { tag: 'internal', val: wellFormed(String(thrown)) }
  const where = typeof thrown.stack === 'string' ? `\n${thrown.stack}` : ''
  return { tag: 'internal', val: wellFormed(`${thrown.name}: ${thrown.message}${where}`) }
}

function isNotFound(thrown: unknown): thrown is { payload: ActorError } {
  if (typeof thrown !== 'object' || thrown === null || !('payload' in thrown)) return false
  const { payload } = thrown
  return (
    typeof payload === 'object' && payload !== null && 'tag' in payload && payload.tag === 'method-not-found'
  )
}
