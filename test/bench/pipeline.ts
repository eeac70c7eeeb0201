import { Admission } from '../../src/engine/events/admission.ts'
import { Dispatcher } from '../../src/engine/events/dispatcher.ts'
import { Governor } from '../../src/engine/governor/governor.ts'
import { createGates } from '../../src/engine/sandboxes/gates/gates.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import type { GuestConfig } from '../../src/shared/contracts/event-module.ts'
import { localModule } from './in-process.ts'
import { compare, type Finding } from './measure.ts'
import { block, startSandbox } from './support.ts'

const events = 1_000

/** Events a second through queue, process and transaction, against a plain loop over the same component. */
export async function pipeline(): Promise<Finding[]> {
  return [await measure('block-logger', []), await measure('counter', [])]
}

async function measure(name: string, config: GuestConfig): Promise<Finding> {
  const sandbox = await startSandbox(name, config)
  const local = await localModule(name, config)
  let number = 1
  let localNumber = 1
  let done: () => void = () => undefined
  let left = 0
  const governor = new Governor({ clock: systemClock, storage: null })
  await governor.start()
  const admission = new Admission({
    owner: name,
    clock: systemClock,
    gate: createGates(systemClock).executing,
    governor,
    lane: governor.lane({ module: name, contract: 'event-module' }),
    limits: defaultLimits,
    onDelayed: (error) => {
      throw new Error(error.message)
    },
  })
  const dispatcher = new Dispatcher({
    clock: systemClock,
    admission,
    capacity: events,
    fuelPerCall: defaultLimits.fuelPerCall,
    deadlineMs: defaultLimits.deadlineMs,
    onDispatch: (dispatch) => {
      if (dispatch.result !== 'committed') throw new Error(JSON.stringify(dispatch.error))
      left -= 1
      if (left === 0) done()
    },
    onDropped: () => {
      throw new Error('dropped')
    },
    onFailed: (error) => {
      throw new Error(error.message)
    },
  })
  dispatcher.reconcile(0, 1)
  dispatcher.attach(sandbox, 1)
  const result = await compare(
    () =>
      new Promise<void>((resolve) => {
        left = events
        done = resolve
        for (let index = 0; index < events; index += 1) {
          dispatcher.offer({
            operation: 'on-event',
            payload: block(number),
            cursor: { source: 'block:31337', value: String(number) },
            context: { eventType: 'block', chainId: '31337', blockNumber: number++ },
          })
        }
      }),
    () => {
      for (let index = 0; index < events; index += 1) {
        local.instance.store?.begin()
        local.run('on-event', block(localNumber))
        local.instance.store?.commit(localNumber++, null)
      }
    },
    { batches: 12, operations: events },
  )
  local.instance.store?.close()
  await sandbox.stop(1_000)
  dispatcher.detach()
  await governor.close()
  return {
    name: `events per second, ${name}`,
    what: 'pipelined through the engine over a plain loop calling the same component',
    value: 1 / result.ratio,
    unit: '×',
    goal: { kind: 'at least', value: 0.6 },
    detail: `${Math.round(1e6 / result.ours)}/s over ${Math.round(1e6 / result.bare)}/s`,
  }
}
