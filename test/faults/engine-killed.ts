/** An engine in a process of its own, killed at random moments and started again on what it left. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { storePath } from '../../src/engine/modules/store-path.ts'
import { bundleOf } from '../support/engine.ts'
import type { Arena } from './arena.ts'
import { eventually, mustHold, type Fault } from './fault.ts'
import { allGone, descendantsOf } from './processes.ts'
import { mustBeAtBoundary, mustHoldEachOnce } from './store-file.ts'

const script = resolve(import.meta.dirname, '../support/engine-child.ts')
const name = 'survivor'
let first = 0

interface EngineProcess {
  readonly pid: number
  readonly lines: string[]
  kill(): Promise<void>
}

function startEngineProcess(arena: Arena, ...bundle: string[]): EngineProcess {
  const stateDir = join(arena.folder, 'killed')
  const args = ['--disable-warning=ExperimentalWarning', script, stateDir, arena.anvil.ws, ...bundle]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  return {
    pid: child.pid ?? 0,
    lines,
    kill: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}

function storeFile(arena: Arena): string {
  return storePath(join(arena.folder, 'killed', 'stores'), name)
}

/** Starts it, lets it handle a block, and kills it. */
async function caughtUp(arena: Arena, ...bundle: string[]): Promise<void> {
  const engine = startEngineProcess(arena, ...bundle)
  try {
    await eventually('the engine runs', () => engine.lines.includes('running'))
    await arena.mine(1)
    await eventually('the block is handled', () => engine.lines.includes(`block ${arena.head}`))
  } finally {
    await engine.kill()
  }
}

async function provoke(arena: Arena): Promise<void> {
  const engine = startEngineProcess(arena)
  let processes: number[] = []
  let mining: Promise<void> = Promise.resolve()
  try {
    // Half of the kills fall into the start, the others into its work.
    if (arena.random.next() < 0.5) await arena.random.moment(1_500)
    else {
      await eventually('the engine runs', () => engine.lines.includes('running'))
      mining = arena.mine(5)
      await arena.random.moment(40)
    }
    processes = await descendantsOf(engine.pid)
  } finally {
    await engine.kill()
  }
  await mining
  await allGone(processes, 'a process of the killed engine')
  mustBeAtBoundary(storeFile(arena), name)
  await caughtUp(arena)
  mustHoldEachOnce(storeFile(arena), name, first, arena.head)
}

export const engineFaults: readonly Fault[] = [
  {
    name: 'engine killed with -9',
    how: 'SIGKILL of the whole engine at a random moment of its start and its work, then started again',
    times: { short: 2, long: 40 },
    survives: 'no process is left, its lock and state are taken over, each block handled once',
    prepare: async (arena) => {
      first = arena.head + 1
      await caughtUp(arena, await bundleOf('ledger', { name }))
      mustHold(
        mustBeAtBoundary(storeFile(arena), name).blocks.length === 1,
        'the first block was not handled',
      )
    },
    provoke,
  },
]
