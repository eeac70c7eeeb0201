/** The guest side of `nexum:host/query-module`, and of event modules that can be queried too (spec nexum-host 9). */
import { guestConfigSchema } from '../../../shared/contracts/event-module.ts'
import {
  queriedEventModuleContractId,
  queryInputSchema,
  queryModuleContractId,
} from '../../../shared/contracts/query-module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { BoundComponent } from '../../binding/bind-component.ts'
import { transactionalContract } from '../../programs/transactional-program.ts'
import type { GuestAnswer, GuestContract, PreparedCall, TransactionalContract } from '../contract.ts'
import { eventModule } from '../event-module/event-module.ts'
import { fromGuestError } from '../event-module/host-errors.ts'
import { eventModuleHosts } from '../event-module/hosts.ts'
import { eventModuleExports, queryModuleExports } from '../event-module/interfaces.ts'

type QueryComponent = BoundComponent<typeof queryModuleExports>

const isPure = (operation: string): boolean => operation === 'evaluate'

const queryModule: TransactionalContract = {
  id: queryModuleContractId,
  usesStore: true,
  exports: queryModuleExports,
  hosts: eventModuleHosts,
  operations(component) {
    const guest = component as unknown as QueryComponent
    return {
      isPure,
      prepare(operation, payload) {
        if (operation === 'evaluate') return evaluate(guest, payload)
        const config = guestConfigSchema.safeParse(payload)
        if (operation !== 'init' || !config.success) throw notOurs()
        return (): GuestAnswer => {
          const result = guest.exports.init(config.data)
          return result.tag === 'ok'
            ? { ok: true, value: null }
            : { ok: false, error: fromGuestError(result.val) }
        }
      },
    }
  },
}

const queriedEventModule: TransactionalContract = {
  ...eventModule,
  id: queriedEventModuleContractId,
  exports: { ...eventModuleExports, ...queryModuleExports },
  operations(component) {
    const guest = component as unknown as QueryComponent
    const events = eventModule.operations(component)
    return {
      isPure,
      prepare: (operation, payload) =>
        operation === 'evaluate' ? evaluate(guest, payload) : events.prepare(operation, payload),
    }
  },
}

function evaluate({ exports }: QueryComponent, payload: unknown): PreparedCall {
  const input = queryInputSchema.safeParse(payload)
  if (!input.success) throw notOurs()
  return () => {
    const result = exports.evaluate(input.data)
    return result.tag === 'ok'
      ? { ok: true, value: result.val }
      : { ok: false, error: fromGuestError(result.val) }
  }
}

function notOurs(): PaddockError {
  return new PaddockError('internal.bug', 'The payload of a guest call has not the shape of its operation.')
}

export const queryModuleContract: GuestContract = transactionalContract(queryModule)
export const queriedEventModuleContract: GuestContract = transactionalContract(queriedEventModule)
