/** `npm run faults`: every fault against a real engine, then a table of what survived. */
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { closeEngines } from '../support/engine.ts'
import { faults } from './all.ts'
import { Arena, isLong } from './arena.ts'
import { chosenSeed, Random } from './random.ts'
import { tryFault, type Outcome } from './run.ts'
import { soak } from './soak.ts'

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function lineOf({ fault, tried, skipped, error, delay, seconds }: Outcome): string {
  const verdict = skipped !== null ? 'skip' : error === null ? 'ok  ' : 'FAIL'
  const what = skipped ?? error?.message ?? fault.survives
  const late = `${delay.p99.toFixed(1)}/${delay.max.toFixed(0)} ms`
  return `${verdict} ${fault.name.padEnd(40)} ${String(tried).padStart(4)}×  ${late.padStart(12)} ${seconds.toFixed(1).padStart(6)} s  ${what}`
}

async function tryAll(names: readonly string[]): Promise<number> {
  const chosen = faults.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)))
  if (chosen.length === 0) {
    process.stderr.write(
      `faults: there is none of these names; choose from\n${faults.map(({ name }) => `  ${name}`).join('\n')}\n`,
    )
    return 2
  }
  const random = new Random(chosenSeed())
  say(
    `seed ${random.seed} (set PADDOCK_FAULTS_SEED to try the same moments again), ${isLong ? 'long' : 'short'} form`,
  )
  const arena = await Arena.open(random)
  const outcomes: Outcome[] = []
  try {
    for (const fault of chosen) {
      const outcome = await tryFault(arena, fault)
      outcomes.push(outcome)
      say(lineOf(outcome))
      if (outcome.error !== null)
        say(`     ${outcome.error.cause instanceof Error ? (outcome.error.cause.stack ?? '') : ''}`)
    }
  } finally {
    await closeEngines()
    await arena.close()
  }
  const failed = outcomes.filter(({ error }) => error !== null)
  const tried = outcomes.reduce((sum, outcome) => sum + outcome.tried, 0)
  say(
    `\n     fault, times tried, main loop late (p99/most), time, what survived; besides, after each trial: both`,
  )
  say(`     witnesses handled every one of ${arena.head} blocks once, in their first process.`)
  say(`${tried} trials of ${outcomes.length} faults, ${failed.length} did not survive, seed ${random.seed}`)
  return failed.length === 0 ? 0 : 1
}

async function main(): Promise<number> {
  await buildFixtures()
  const [first, ...rest] = process.argv.slice(2)
  if (first === 'soak') return soak(rest)
  return tryAll(process.argv.slice(2))
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `faults: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    process.exit(1)
  },
)
