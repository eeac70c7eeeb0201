/** Failures of the event server as typed errors. Messages name neither addresses nor credentials. */
import { JetStreamApiError } from '@nats-io/jetstream'
import { PaddockError } from '../../../shared/errors.ts'

/** Error codes of the server's API. */
export const apiCodes = {
  wrongLastSequence: 10_071,
  streamNotFound: 10_059,
  streamNameInUse: 10_058,
  /** "subjects overlap with an existing stream": also what loses the race to make the same stream. */
  subjectsOverlap: 10_065,
  /** "stream store failed": with `discard: new` the stream is full. */
  storeFailed: 10_077,
  messageTooLarge: 10_054,
  noStorage: 10_047,
} as const

export function apiCodeOf(thrown: unknown): number | null {
  return thrown instanceof JetStreamApiError ? thrown.code : null
}

/** Whether the server never answered: what was asked may have happened. */
export function isUnanswered(thrown: unknown): boolean {
  return !(thrown instanceof JetStreamApiError) && !(thrown instanceof PaddockError)
}

/** A failure as `store.*`; typed errors pass through. */
export function natsFailure(thrown: unknown): PaddockError {
  if (thrown instanceof PaddockError) return thrown
  const code = apiCodeOf(thrown)
  switch (code) {
    case null:
      return new PaddockError('store.unavailable', 'The event server does not answer.', { cause: thrown })
    case apiCodes.storeFailed:
      return new PaddockError('store.quota_exceeded', 'The event store would grow beyond its limit.', {
        cause: thrown,
      })
    case apiCodes.messageTooLarge:
      return new PaddockError('store.too_large', 'The decision is larger than the event server takes.', {
        cause: thrown,
      })
    case apiCodes.noStorage:
      return new PaddockError('store.full', 'The event server has no room left.', { cause: thrown })
    default:
      return new PaddockError('store.io', `The event server refused with error ${code}.`, { cause: thrown })
  }
}
