/** `shepherd:cow/cow-api` on the guest's side: sizes are looked at here, everything else in the engine. */
import { z } from 'zod'
import { maxOrderBookRequestCharacters } from '../../../shared/domain/limits.ts'
import { implement, ok, type HostInterface } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'
import { askEngine } from './bridged.ts'
import { orRefusal } from './host-errors.ts'
import { cowApiInterface } from './interfaces.ts'

export function cowApiHost(services: GuestServices): HostInterface {
  return implement(cowApiInterface, {
    request: (chainId, method, path, body) =>
      orRefusal(() => {
        refuseOversized(method.length + path.length + (body?.length ?? 0))
        return ok(askEngine(services, 'cow-api', 'request', [chainId, method, path, body], z.string()))
      }),
    submitOrder: (chainId, order) =>
      orRefusal(() => {
        refuseOversized(order.length)
        return ok(askEngine(services, 'cow-api', 'submit-order', [chainId, order], z.string()))
      }),
  })
}

function refuseOversized(size: number): void {
  if (size <= maxOrderBookRequestCharacters) return
  throw HostRefusal.of('cow-api', 'invalid-input', 0, 'The request is larger than is allowed.')
}
