/** Interfaces that are linked but not provided (spec nexum-host 6.3). */
import { PaddockError } from '../../../shared/errors.ts'
import type { Linkage } from '../../../shared/sandbox/protocol.ts'
import { err, type HostInterface, type InterfaceType } from '../../binding/types.ts'
import { toGuestError } from './host-errors.ts'

/**
 * Answers every function of the interface with the stub's error. A function without an error channel is
 * silent where it returns nothing, and traps naming the capability where it would have to invent a value.
 */
export function stubInterface(
  type: InterfaceType,
  capability: string,
  linkage: Exclude<Linkage, 'provided'>,
): HostInterface {
  const message =
    linkage === 'denied'
      ? `the capability ${capability} is not granted to this module`
      : `the capability ${capability} is not provided by this host`
  const error = err(
    toGuestError({ domain: capability, kind: linkage, code: linkage === 'denied' ? 0 : 501, message }),
  )
  const functions = Object.entries(type.functions).map(([name, { result }]) => {
    if (result === undefined) return [name, (): undefined => undefined] as const
    if (isResult(result)) return [name, (): unknown => error] as const
    return [
      name,
      (): never => {
        throw new PaddockError('sandbox.trap', message)
      },
    ] as const
  })
  return { type, functions: Object.fromEntries(functions) }
}

function isResult(shape: NonNullable<InterfaceType['functions'][string]['result']>): boolean {
  return shape.kind === 'variant' && shape.isResult
}
