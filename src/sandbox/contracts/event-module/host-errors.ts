/** `host-error` as the binder carries it, from and to the plain record used everywhere else. */
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import { err, type Case } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestHostError } from './interfaces.ts'

export function toGuestError(error: HostError): GuestHostError {
  const { domain, kind, code, message, data } = error
  return { domain, kind: { tag: kind }, code, message, data }
}

/** Bounds of the protocol: a guest's texts are cut rather than refused. */
const maxDomain = 256
const maxMessage = 16_384
const maxData = 4 * 1024 * 1024

export function fromGuestError(error: GuestHostError): HostError {
  const { domain, kind, code, message, data } = error
  return {
    domain: domain.slice(0, maxDomain),
    kind: kind.tag,
    code,
    message: message.slice(0, maxMessage),
    ...(data === undefined ? {} : { data: data.slice(0, maxData) }),
  }
}

/** What `action` answers, or its refusal as the error side. Everything else it throws ends the call. */
export function orRefusal<T>(action: () => T): T | Case<'err', GuestHostError> {
  try {
    return action()
  } catch (error) {
    if (error instanceof HostRefusal) return err(toGuestError(error.hostError))
    throw error
  }
}
