/** How streams and keys are named in NATS. Every token is unpadded base64url, so no name can reach outside of it. */
import { Buffer } from 'node:buffer'
import { snapshotName } from '../../../event-store/identities.ts'

/** Events that fit into one decision (spec decider 10), rounded up: positions leave room for each. */
export const positionsPerMessage = 1_024

export function token(text: string): string {
  // An empty token is not allowed; base64url never yields this one.
  return text === '' ? '-empty-' : Buffer.from(text, 'utf8').toString('base64url')
}

export function untoken(text: string): string {
  return text === '-empty-' ? '' : Buffer.from(text, 'base64url').toString('utf8')
}

/** Names of what one module has on the server. */
export class Subjects {
  readonly module: string
  /** JetStream stream of the decisions. */
  readonly eventsStream: string
  /** JetStream stream that keeps the last value of each key. */
  readonly keysStream: string
  readonly allEvents: string
  private readonly events: string
  private readonly keys: string

  constructor(module: string) {
    const name = token(module)
    this.module = module
    this.eventsStream = `PADDOCK_EVENTS_${name}`
    this.keysStream = `PADDOCK_KEYS_${name}`
    this.events = `paddock.events.${name}`
    this.allEvents = `${this.events}.*`
    this.keys = `paddock.keys.${name}`
  }

  get allKeys(): string {
    return `${this.keys}.>`
  }

  stream(streamId: string): string {
    return `${this.events}.${token(streamId)}`
  }

  streamIdOf(subject: string): string {
    return untoken(subject.slice(this.events.length + 1))
  }

  snapshot(streamId: string, version: string): string {
    return `${this.snapshots(streamId)}.${snapshotName(this.module, version, streamId)}`
  }

  snapshots(streamId: string): string {
    return `${this.keys}.snapshot.${token(streamId)}`
  }

  get allSnapshots(): string {
    return `${this.keys}.snapshot.*.*`
  }

  command(id: string): string {
    return `${this.keys}.command.${id}`
  }

  get indexed(): string {
    return `${this.keys}.indexed`
  }

  projection(name: string): string {
    return `${this.keys}.projection.${token(name)}`
  }

  get allProjections(): string {
    return `${this.keys}.projection.*`
  }
}

/** Position of the event at `index` of the message at `sequence`. */
export function positionOf(sequence: number, index: number): number {
  return sequence * positionsPerMessage + index
}

/** The message that a position lies in. */
export function sequenceOf(position: number): number {
  return Math.floor(position / positionsPerMessage)
}

/** The last position a message can have: nothing at or before it comes later. */
export function endOf(sequence: number): number {
  return sequence === 0 ? 0 : positionOf(sequence, positionsPerMessage - 1)
}
