/** The fault of a sink that does not keep up with its source. */
import { startEngine } from '../support/engine.ts'
import { isLong } from './arena.ts'
import { mustHold, type Fault } from './fault.ts'
import { slowSink } from './slow-sink.ts'

const mebibyte = 1_048_576
/** The young generation of the process grows to its full size in the first of these. */
const grownBytes = isLong ? 5 * mebibyte : 24 * mebibyte

export const flowFaults: readonly Fault[] = [
  {
    name: 'a slow sink of a flow',
    how: 'its source gives at once whatever is taken, the sink pauses again and again; 5 minutes in the long form',
    times: { short: 1, long: 1 },
    survives: 'memory flat, elements in flight bounded, none lost, order kept',
    provoke: async () => {
      const test = await startEngine()
      const result = await slowSink(
        test,
        isLong
          ? { elements: 1_000_000, warmUp: 1_000_000, leastMs: 300_000, pauseEvery: 1_000 }
          : { elements: 200_000, warmUp: 80_000, leastMs: 0, pauseEvery: 1_000 },
      )
      const { figures, seconds, grownAtEndBytes, deepest, bound } = result
      process.stdout.write(
        `     ${figures.delivered} of ${figures.elements} elements in ${seconds.toFixed(0)} s, ` +
          `${figures.edges[1]?.pressures ?? 0} pauses, at most ${deepest} of ${bound} in flight, ` +
          `${(grownAtEndBytes / mebibyte).toFixed(1)} MiB grown after warming up\n`,
      )
      mustHold(grownAtEndBytes < grownBytes, `the process grew by ${grownAtEndBytes} bytes`)
      await test.engine.shutdown()
    },
  },
]
