// What `import … from 'paddock:decider'` gives a module: everything of the contract that JavaScript gets wrong easily.
import { decodeText, encodeText } from '../guest/text.ts'

/** What JSON can carry. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

export interface DomainEvent {
  readonly type: string
  readonly data: Json
}

export type Precondition = 'stream-unchanged' | 'no-stream' | 'stream-exists' | 'any'

export interface CommandRules<State, Command> {
  /** What must hold of the stream at the append; `stream-unchanged` unless said. */
  readonly precondition?: Precondition
  /** Events after which a snapshot is worth keeping; none unless said. */
  readonly snapshotEvery?: number
  /** Checks the payload: a throw here fails the command before its stream is known. */
  readonly read: (payload: Json) => Command
  /** The stream, of the command alone. */
  readonly stream: (command: Command) => string
  /** The events, at least one. `reject` says no; anything else thrown is a fault of the module. */
  readonly decide: (state: State, command: Command) => readonly DomainEvent[]
}

/** A command with its own type of payload, told to the decider. */
export interface Rules<State> {
  readonly precondition: Precondition
  readonly snapshotEvery: number | undefined
  readonly stream: (payload: Json) => string
  readonly decide: (state: State, payload: Json) => readonly DomainEvent[]
}

export interface DeciderDefinition<State> {
  readonly name: string
  /** Bump it when state or events change their meaning: builds are not byte for byte the same. */
  readonly version: string
  /** Of a stream without events. */
  readonly initial: State
  readonly commands: Readonly<Record<string, Rules<State>>>
  /** By event type; answers the next state and leaves the one before as it is. Events of other types are skipped. */
  readonly events: Readonly<Record<string, (state: State, data: Json) => State>>
}

interface Envelope {
  readonly type: string
  readonly payload: Uint8Array
}

interface DomainError {
  readonly code: string
  readonly message: string
  readonly details: [string, string][]
}

/** The rules say no: thrown by `reject`. */
class Rejection extends Error {
  readonly error: DomainError

  constructor(error: DomainError) {
    super(error.message)
    this.error = error
  }
}

/** Says no to a command; `code` is what callers branch on. */
export function reject(code: string, message: string, details: Readonly<Record<string, string>> = {}): never {
  throw new Rejection({ code, message, details: Object.entries(details) })
}

/** States the rules of one command type. */
export function command<State, Command>(rules: CommandRules<State, Command>): Rules<State> {
  const { read, stream, decide } = rules
  return {
    precondition: rules.precondition ?? 'stream-unchanged',
    snapshotEvery: rules.snapshotEvery,
    stream: (payload) => stream(read(payload)),
    decide: (state, payload) => decide(state, read(payload)),
  }
}

/** The export of a decider: `export const handler = decider({ … })`. Keeps state nowhere but in the session. */
export function decider<State>(definition: DeciderDefinition<State>): object {
  const { name, version } = definition
  const schema = `${name}@${version}`

  function rulesOf(type: string): Rules<State> {
    const rules = Object.hasOwn(definition.commands, type) ? definition.commands[type] : undefined
    if (rules === undefined)
      throw new Rejection(domainError('unknown-command', `There is no command ${type}.`))
    return rules
  }

  class Session {
    private state: State

    constructor(snapshot: Uint8Array | null | undefined) {
      // There is no error result here: what cannot be used must end the instance, never be ignored.
      this.state =
        snapshot === null || snapshot === undefined
          ? definition.initial
          : (stateOf(snapshot, schema) as State)
    }

    evolve(events: readonly Envelope[]): void {
      try {
        // All or none: the state changes once everything is folded.
        let next = this.state
        for (const { type, payload } of events) {
          const fold = Object.hasOwn(definition.events, type) ? definition.events[type] : undefined
          if (fold !== undefined) next = fold(next, jsonOf(payload))
        }
        this.state = next
      } catch (thrown) {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a contract's error side is a plain record
        throw errorOf(thrown, 'bad-event')
      }
    }

    decide({ type, payload }: Envelope): Envelope[] {
      try {
        const events = rulesOf(type).decide(this.state, jsonOf(payload))
        return events.map((event) => ({ type: event.type, payload: encodeText(JSON.stringify(event.data)) }))
      } catch (thrown) {
        const tag = thrown instanceof Rejection ? 'rejected' : 'faulted'
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a contract's error side is a plain record
        throw { tag, val: errorOf(thrown, 'internal') }
      }
    }

    snapshot(): Uint8Array {
      const state = JSON.stringify(this.state)
      return encodeText(`{"schema":${JSON.stringify(schema)},"sum":${checksum(state)},"state":${state}}`)
    }
  }

  return {
    descriptor: () => ({
      name,
      version,
      commands: Object.entries(definition.commands).map(([commandType, rules]) => ({
        commandType,
        writePrecondition: { tag: rules.precondition },
        // QuickJS takes a number for a u64, and traps on a bigint.
        snapshotPolicy:
          rules.snapshotEvery === undefined
            ? { tag: 'no-snapshot' }
            : { tag: 'frequency', val: rules.snapshotEvery },
      })),
    }),
    streamId({ type, payload }: Envelope): string {
      try {
        return rulesOf(type).stream(jsonOf(payload))
      } catch (thrown) {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a contract's error side is a plain record
        throw errorOf(thrown, 'bad-command')
      }
    },
    Session,
  }
}

function jsonOf(payload: Uint8Array): Json {
  return JSON.parse(decodeText(payload)) as Json
}

function stateOf(snapshot: Uint8Array, schema: string): Json {
  const kept = jsonOf(snapshot) as { readonly schema?: Json; readonly sum?: Json; readonly state?: Json }
  if (kept.schema !== schema || kept.state === undefined)
    throw new Error('The snapshot is of another schema.')
  if (kept.sum !== checksum(JSON.stringify(kept.state))) throw new Error('The snapshot is damaged.')
  return kept.state
}

/** FNV-1a over UTF-16 units: a changed snapshot must not pass for another state. */
function checksum(text: string): number {
  let sum = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193)
  }
  return sum >>> 0
}

/** Every field must be there: what is missing would end the instance. */
function domainError(code: string, message: string, details: [string, string][] = []): DomainError {
  return { code, message, details }
}

function errorOf(thrown: unknown, code: string): DomainError {
  if (thrown instanceof Rejection) return thrown.error
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const causes: [string, string][] = []
  for (
    let cause = thrown instanceof Error ? thrown.cause : undefined;
    cause instanceof Error;
    cause = cause.cause
  ) {
    causes.push([`cause.${causes.length}`, cause.message])
  }
  return domainError(code, message, causes)
}

/** The field of an object, checked to be a text that is not empty. */
export function text(payload: Json, field: string): string {
  const value = fieldOf(payload, field)
  if (typeof value !== 'string' || value === '') throw new TypeError(`${field} is no text`)
  return value
}

/** The field of an object, checked to be a whole number of at least `least`. */
export function whole(payload: Json, field: string, least = 0): number {
  const value = fieldOf(payload, field)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new TypeError(`${field} is no whole number of at least ${least}`)
  }
  return value
}

/** The field, or undefined where it is absent or null. */
export function optional<T>(
  payload: Json,
  field: string,
  read: (payload: Json, field: string) => T,
): T | undefined {
  const value = fieldOf(payload, field)
  return value === undefined || value === null ? undefined : read(payload, field)
}

function fieldOf(payload: Json, field: string): Json | undefined {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new TypeError('the payload is no object')
  }
  const object = payload as { readonly [key: string]: Json | undefined }
  return Object.hasOwn(object, field) ? object[field] : undefined
}
