import { PaddockError } from '../../shared/errors.ts'

/** The guest broke a rule: its instance is dead from here on. */
export function trap(message: string, cause?: unknown): never {
  throw new PaddockError('sandbox.trap', message, cause === undefined ? {} : { cause })
}
