import type { Arena } from './arena.ts'
import { isLong } from './arena.ts'
import type { Fault } from './fault.ts'
import { DidNotSurvive } from './fault.ts'
import { IdleProcess, LoopDelayMeter, type LoopDelay } from './loop-delay.ts'

export interface Outcome {
  readonly fault: Fault
  readonly tried: number
  readonly skipped: string | null
  readonly error: Error | null
  readonly delay: LoopDelay
  readonly seconds: number
}

/** Tries a fault as often as its form asks, with the witnesses watched; never throws. */
export async function tryFault(arena: Arena, fault: Fault): Promise<Outcome> {
  const began = performance.now()
  const skipped = (await fault.impossible?.()) ?? null
  const times = skipped === null ? fault.times[isLong ? 'long' : 'short'] : 0
  const bound = times > 0 ? fault.delayBoundMs : undefined
  const idle = bound === undefined ? undefined : await IdleProcess.start()
  const meter = new LoopDelayMeter()
  let tried = 0
  let error: Error | null = null
  try {
    if (times > 0) await fault.prepare?.(arena)
    while (tried < times) {
      await fault.provoke(arena, tried)
      tried += 1
      await arena.witnessesGoOn()
    }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown : new Error(String(thrown))
    error = new DidNotSurvive(`trial ${tried + 1}: ${reason.message}`, { cause: reason })
  }
  const delay = meter.end()
  try {
    if (times > 0) await fault.tidy?.(arena)
    if (times > 0) arena.checkWitnessStores()
  } catch (thrown) {
    error ??= thrown instanceof Error ? thrown : new Error(String(thrown))
  }
  if (bound !== undefined && idle !== undefined) {
    // On a machine that others use too, everybody is late: only what is ours counts.
    const machine = (await idle.end()).p99
    if (delay.p99 >= bound + machine) {
      const figures = `${delay.p99.toFixed(1)} ms late (p99), an idle process ${machine.toFixed(1)} ms`
      error ??= new DidNotSurvive(`the main loop was ${figures}: more than ${bound} ms of its own`)
    }
  }
  return { fault, tried, skipped, error, delay, seconds: (performance.now() - began) / 1_000 }
}
