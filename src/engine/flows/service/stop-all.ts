/** The end of all flows with their engine: in parallel, bounded, with a report (spec flows 7.5). */
import type { FlowEnd } from '../../../shared/contracts/flow.ts'
import type { FlowEntry } from './flow-entry.ts'
import type { FlowServices } from './flow-services.ts'

/** Never rejects. */
export async function stopAll(entries: readonly FlowEntry[], services: FlowServices): Promise<void> {
  const active = entries.filter(({ runner }) => runner.isActive)
  if (active.length === 0) return
  let forced = 0
  const ends = await Promise.all(
    active.map(async ({ runner }): Promise<FlowEnd | null> => {
      const { run } = runner
      const end = await withinTime(runner.cancel(), runner.shutdownMs, services)
      await withinTime(run?.whenGone() ?? Promise.resolve(), runner.shutdownMs, services)
      if (run !== null && run.stopTier !== null && run.stopTier !== 'asked') forced += 1
      return end
    }),
  )
  const count = (state: FlowEnd['state']): number => ends.filter((end) => end?.state === state).length
  services.log(
    forced > 0 ? 'warn' : 'info',
    'flows_stopped',
    `${active.length} flows ended with the engine: ${count('completed')} completed, ${count('cancelled')} cancelled, ` +
      `${count('failed')} failed, ${forced} forced`,
  )
}

async function withinTime<T>(work: Promise<T>, ms: number, { clock }: FlowServices): Promise<T | null> {
  let stop = (): void => undefined
  const late = new Promise<null>((resolve) => {
    stop = clock.after(ms, () => resolve(null))
  })
  try {
    return await Promise.race([work.catch(() => null), late])
  } finally {
    stop()
  }
}
