/** The types of `trogon:decider/handler@0.3.0` for the binder (resources/wit/trogon-decider). */
import { deciderInterface } from '../../../../shared/contracts/decider.ts'
import { guestResource } from '../../../binding/guest-resources.ts'
import {
  bytes,
  func,
  list,
  option,
  own,
  record,
  result,
  string,
  tuple,
  u32,
  u64,
  variant,
} from '../../../binding/types.ts'
import type { FunctionType, ValueOf } from '../../../binding/types.ts'

export const sessionResource = guestResource(deciderInterface, 'session')

export const envelopeType = record({ type: string, payload: bytes })
export type GuestEnvelope = ValueOf<typeof envelopeType>

export const domainErrorType = record({ code: string, message: string, details: list(tuple(string, string)) })
export type GuestDomainError = ValueOf<typeof domainErrorType>

export const descriptorType = record({
  name: string,
  version: string,
  commands: list(
    record({
      commandType: string,
      writePrecondition: variant({
        'stream-unchanged': null,
        'no-stream': null,
        'stream-exists': null,
        any: null,
      }),
      snapshotPolicy: variant({ 'no-snapshot': null, frequency: u64 }),
    }),
  ),
})
export type GuestDescriptor = ValueOf<typeof descriptorType>

const decideErrorType = variant({ rejected: domainErrorType, faulted: domainErrorType })

/** Methods take the representation of their session first. */
export const deciderExports = {
  [`${deciderInterface}#descriptor`]: func([], descriptorType),
  [`${deciderInterface}#stream-id`]: func([envelopeType], result(string, domainErrorType)),
  [`${deciderInterface}#[constructor]session`]: func([option(bytes)], own(sessionResource.kind)),
  [`${deciderInterface}#[method]session.evolve`]: func(
    [u32, list(envelopeType)],
    result(null, domainErrorType),
  ),
  [`${deciderInterface}#[method]session.decide`]: func(
    [u32, envelopeType],
    result(list(envelopeType), decideErrorType),
  ),
  [`${deciderInterface}#[method]session.snapshot`]: func([u32], option(bytes)),
} as const satisfies Record<string, FunctionType>
