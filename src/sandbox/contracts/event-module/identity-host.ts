/** `nexum:host/identity` on the guest's side: no key is ever here. */
import { z } from 'zod'
import { maxSignedMessageBytes, maxTypedDataCharacters } from '../../../shared/domain/limits.ts'
import { implement, ok, type HostInterface } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'
import { askEngine } from './bridged.ts'
import { orRefusal } from './host-errors.ts'
import { identityInterface } from './interfaces.ts'

const bytes = z.instanceof(Uint8Array)

export function identityHost(services: GuestServices): HostInterface {
  return implement(identityInterface, {
    accounts: () => orRefusal(() => ok(askEngine(services, 'identity', 'accounts', [], z.array(bytes)))),
    sign: (account, message) =>
      orRefusal(() => {
        if (message.length > maxSignedMessageBytes) throw tooLarge()
        return ok(askEngine(services, 'identity', 'sign', [account, message], bytes))
      }),
    signTypedData: (account, typedData) =>
      orRefusal(() => {
        if (typedData.length > maxTypedDataCharacters) throw tooLarge()
        return ok(askEngine(services, 'identity', 'sign-typed-data', [account, typedData], bytes))
      }),
  })
}

/** Refused here, before it is copied to a process that others wait for as well. */
function tooLarge(): HostRefusal {
  return HostRefusal.of('identity', 'invalid-input', 0, 'What is to be signed is larger than is allowed.')
}
