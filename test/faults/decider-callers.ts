/** Callers of a decider while its sandbox is killed at random moments (issue 5, spec decider 16 "crash"). */
import { isLong } from './arena.ts'
import { mustEqual, mustHold, type Fault } from './fault.ts'
import { runDeciderLoad, runDeciderMemory } from '../support/decider-load.ts'

const size = isLong
  ? { commands: 100_000, streams: 1_000, callers: 8, kills: 100 }
  : { commands: 1_000, streams: 100, callers: 8, kills: 2 }

const memory = { commands: isLong ? 20_000 : 800, streams: 100, samples: 8 }
/** A sandbox warms up over the first thousands of commands: the short form notices only a leak of every command. */
const mostGrowthMiB = isLong ? 24 : 96

export const deciderFaults: readonly Fault[] = [
  {
    name: 'callers of a decider whose sandbox is killed',
    how: `${size.commands} commands over ${size.streams} streams by ${size.callers} callers; SIGKILL to the sandbox ${size.kills} times, at random`,
    times: { short: 1, long: 1 },
    survives: 'revisions without gaps, no acknowledged event lost or doubled, a clean integrity check',
    provoke: async ({ random }) => {
      const report = await runDeciderLoad({ ...size, random: () => random.next() })
      mustEqual(report.faults, [], 'what the store holds')
      mustEqual(report.others, [], 'answers')
      mustEqual(report.decided, size.commands, 'decided commands')
      mustHold(report.kills > 0, 'nothing was killed')
    },
  },
  {
    name: 'memory of a decider',
    how: `${memory.commands} commands over ${memory.streams} streams, nothing killed`,
    times: { short: 1, long: 1 },
    survives: 'resident memory flat behind the first quarter',
    provoke: async () => {
      const { decided, residentBytes } = await runDeciderMemory(memory)
      mustEqual(decided, memory.commands, 'decided commands')
      const mib = residentBytes.map((bytes) => Math.round(bytes / 1_048_576))
      process.stdout.write(`     sandbox resident after each eighth, in MiB: ${mib.join(' ')}\n`)
      mustHold((mib.at(-1) ?? 0) - (mib[1] ?? 0) < mostGrowthMiB, 'memory grew')
    },
  },
]
