/** What a decider says of itself, on two fresh instances (spec decider 2, steps 5 and 6). */
import { isDeepStrictEqual } from 'node:util'
import type { DeciderDescriptor } from '../../../../shared/contracts/decider.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { validateDescriptor } from './descriptor.ts'
import type { DeciderInstance } from './decider-instance.ts'
import { GuestTrap } from './trap.ts'

/**
 * The validated descriptor. Throws `decider.descriptor_failed` for a trap or two different answers,
 * `decider.invalid_descriptor` and `decider.limit_exceeded`.
 */
export function probeDescriptor(makeInstance: () => DeciderInstance, fuel: number): DeciderDescriptor {
  const [first, second] = [ask(makeInstance, fuel), ask(makeInstance, fuel)]
  if (!isDeepStrictEqual(first, second)) {
    throw new PaddockError(
      'decider.descriptor_failed',
      'Two fresh instances of the decider describe themselves differently.',
    )
  }
  return validateDescriptor(first)
}

function ask(makeInstance: () => DeciderInstance, fuel: number): ReturnType<DeciderInstance['descriptor']> {
  try {
    const instance = makeInstance()
    instance.checkParts()
    return instance.descriptor(fuel)
  } catch (error) {
    if (!(error instanceof GuestTrap)) throw error
    throw new PaddockError(
      'decider.descriptor_failed',
      `The descriptor cannot be had: ${error.report.message}`,
      { cause: error, details: { code: error.report.code, phase: error.phase } },
    )
  }
}
