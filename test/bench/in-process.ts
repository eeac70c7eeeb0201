/** A module on this very thread, without process, queue or protocol: what a plain loop would call. */
import { eventModule } from '../../src/sandbox/contracts/event-module/event-module.ts'
import { LogBuffer } from '../../src/sandbox/bridge/log-buffer.ts'
import { callGuest } from '../../src/sandbox/binding/fuel-tank.ts'
import { createInstance, type Instance } from '../../src/sandbox/loading/instance.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import type { GuestConfig } from '../../src/shared/contracts/event-module.ts'
import { loadSpec } from './support.ts'
import { quietThread } from '../support/quiet-thread.ts'

export interface LocalModule {
  readonly instance: Instance
  /** One guest call with the whole budget; the transaction is the caller's. */
  run(operation: string, payload: unknown): void
}

export async function localModule(name: string, config: GuestConfig): Promise<LocalModule> {
  const spec = await loadSpec(name, `${name}-local-${Math.random().toString(36).slice(2)}`)
  const log = new LogBuffer({ minLevel: 'error', send: () => undefined })
  const instance = await createInstance(eventModule, {
    spec,
    log,
    linkage: (capability) => (Object.hasOwn(spec.capabilities, capability) ? 'provided' : 'denied'),
    callHost: () => {
      throw new Error('this module must not need the engine')
    },
    ...quietThread,
  })
  const run = (operation: string, payload: unknown): void => {
    const prepared = instance.operations.prepare(operation, payload)
    const answer = callGuest(instance.tank, BigInt(defaultLimits.fuelPerCall), prepared).value
    if (!answer.ok) throw new Error(answer.error.message)
  }
  instance.store?.begin()
  run('init', config)
  instance.store?.commit(0, null)
  return { instance, run }
}
