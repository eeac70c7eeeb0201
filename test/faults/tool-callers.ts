/** The fault of many callers of tools of whom many leave. */
import { isLong } from './arena.ts'
import type { Fault } from './fault.ts'
import { toolStorm } from './tool-storm.ts'

export const toolFaults: readonly Fault[] = [
  {
    name: 'a storm of calls of tools',
    how: 'a third of the callers leave in the middle, a tenth of the calls trap, servers are slow or never answer',
    times: { short: 1, long: 1 },
    survives: 'every call answered once; no permit, reservation or request left',
    delayBoundMs: 16,
    provoke: async ({ random }) => {
      const storm = isLong ? { calls: 2_000, callers: 200 } : { calls: 200, callers: 40 }
      const { ended, delay, seconds } = await toolStorm(storm, random)
      const ends = Object.entries(ended).map(([how, count]) => `${count} ${how}`)
      process.stdout.write(
        `     ${storm.calls} calls of ${storm.callers} callers in ${seconds.toFixed(1)} s: ${ends.join(', ')}; ` +
          `main loop late ${delay.p99.toFixed(1)} ms at p99\n`,
      )
    },
  },
]
