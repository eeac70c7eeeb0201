/** How a flow is made to end (spec flows 7.4): it is asked, then its running call loses its fuel, then its thread is ended. */
import type { FlowPlan } from '../../../shared/contracts/flow.ts'
import type { Clock } from '../../clock.ts'

/** A call that is metered runs out of its own fuel within this. */
const fuelMs = 500
/** The end of a thread, and what is told of it, takes this long at most before its process is killed. */
const endThreadMs = 250
/** The whole path takes no longer, whatever the time-outs of the flow, in milliseconds. */
const wholeMs = 6_500

export interface StopSteps {
  readonly clock: Clock
  readonly timeouts: Pick<FlowPlan['timeouts'], 'cancelMs' | 'drainMs' | 'teardownMs'>
  /** Stages, each of which may take its time to tear down. */
  readonly stages: number
  readonly ask: () => void
  /** Whether the flow has taken notice: it drains. */
  readonly isDraining: () => boolean
  readonly endThread: () => void
  readonly killProcess: () => void
  /** Settles once the run has ended. */
  readonly ended: Promise<unknown>
}

/** How far it had to go. */
export type StopTier = 'asked' | 'thread-ended' | 'process-killed'

/** Walks the path until the run has ended; takes at most 6.5 s and the end of a process. Never rejects. */
export async function stopFlow(steps: StopSteps): Promise<StopTier> {
  const { clock, timeouts } = steps
  const { cancelMs, drainMs, teardownMs } = timeouts
  const threadByMs = wholeMs - 2 * endThreadMs
  const began = clock.monotonicMs()
  const waitUntil = (ms: number): Promise<boolean> =>
    endsWithin(steps.ended, clock, Math.max(0, Math.min(ms, threadByMs) - (clock.monotonicMs() - began)))
  steps.ask()
  if (await waitUntil(cancelMs)) return 'asked'
  // The fuel of a call cannot be taken from outside its thread: each call begins with what it may use and ends without.
  if (!steps.isDraining() && (await waitUntil(cancelMs + fuelMs))) return 'asked'
  if (steps.isDraining() && (await waitUntil(cancelMs + fuelMs + drainMs + teardownMs * steps.stages)))
    return 'asked'
  steps.endThread()
  if (await endsWithin(steps.ended, clock, endThreadMs)) return 'thread-ended'
  steps.killProcess()
  await steps.ended.catch(() => undefined)
  return 'process-killed'
}

function endsWithin(ended: Promise<unknown>, clock: Clock, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, () => resolve(false))
    const done = (): void => {
      stop()
      resolve(true)
    }
    ended.then(done, done)
  })
}
