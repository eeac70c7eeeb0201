/** The guest side of `nexum:host/event-module` and `shepherd:cow/shepherd` (spec nexum-host 1). */
import type { z } from 'zod'
import {
  eventModuleContractId,
  guestConfigSchema,
  guestEventSchema,
} from '../../../shared/contracts/event-module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { BoundComponent } from '../../binding/bind-component.ts'
import type { GuestAnswer, GuestContract, TransactionalContract } from '../contract.ts'
import { transactionalContract } from '../../programs/transactional-program.ts'
import { fromGuestError } from './host-errors.ts'
import { eventModuleHosts } from './hosts.ts'
import { eventModuleExports, type GuestHostError } from './interfaces.ts'

/** What the sandbox does for an event module. */
export const eventModule: TransactionalContract = {
  id: eventModuleContractId,
  usesStore: true,
  exports: eventModuleExports,
  hosts: eventModuleHosts,
  operations(component) {
    const { exports } = component as unknown as BoundComponent<typeof eventModuleExports>
    return {
      prepare(operation, payload) {
        switch (operation) {
          case 'init': {
            const config = checked(guestConfigSchema, payload)
            return () => answerOf(exports.init(config))
          }
          case 'on-event': {
            const event = checked(guestEventSchema, payload)
            return () => answerOf(exports['on-event'](event as Parameters<(typeof exports)['on-event']>[0]))
          }
          default:
            throw new PaddockError('internal.bug', 'The contract has no such operation.')
        }
      },
    }
  },
}

export const eventModuleContract: GuestContract = transactionalContract(eventModule)

function checked<T>(schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  throw new PaddockError('internal.bug', 'The payload of a guest call has not the shape of its operation.')
}

function answerOf(
  result:
    { readonly tag: 'ok'; readonly val?: undefined } | { readonly tag: 'err'; readonly val: GuestHostError },
): GuestAnswer {
  return result.tag === 'ok' ? { ok: true, value: null } : { ok: false, error: fromGuestError(result.val) }
}
