/** Waiting longer than a gate lets one caller wait: for work that nobody sits in front of, such as a module's start. */
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Gate } from './gate.ts'

const retryAfterMs = 1_000

/**
 * Takes a permit, however long it takes: on `gate.busy` it says so and takes its turn anew. The taker calls `giveBack`
 * once. Throws `sandbox.cancelled` once `signal` is aborted.
 */
export async function takePatiently(
  gate: Gate,
  owner: string,
  clock: Clock,
  signal: AbortSignal,
  onBusy: (error: PaddockError) => void = () => undefined,
): Promise<void> {
  for (;;) {
    try {
      await gate.take(owner, signal)
      return
    } catch (error) {
      if (!(error instanceof PaddockError) || error.code !== 'gate.busy') throw error
      onBusy(error)
      await pause(clock, signal)
    }
  }
}

/** Does the work with a permit that was waited for patiently; the permit stays out until the work has ended. */
export async function runPatiently<T>(
  gate: Gate,
  owner: string,
  clock: Clock,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  await takePatiently(gate, owner, clock, signal)
  try {
    return await work()
  } finally {
    gate.giveBack()
  }
}

/** `take` looks at the signal afterwards. */
function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const stop = clock.after(retryAfterMs, done)
    signal.addEventListener('abort', done, { once: true })
  })
}
