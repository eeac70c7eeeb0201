/** `npm run bench`: ratios against the bare mechanism, taken in the same run. Never a pass mark in absolute time. */
import { meets, type Finding } from './measure.ts'
import { actors } from './actors.ts'
import { chain } from './chain.ts'
import { decider } from './decider.ts'
import { determinism } from './determinism.ts'
import { events } from './events.ts'
import { flows } from './flows.ts'
import { fuel } from './fuel.ts'
import { hostCalls } from './host-calls.ts'
import { idle } from './idle.ts'
import { load } from './load.ts'
import { pipeline } from './pipeline.ts'
import { sharing } from './sharing.ts'
import { sql } from './sql.ts'
import { store } from './store.ts'
import { isElectron, runtime } from './support.ts'
import { toolBodies } from './tool-bodies.ts'
import { toolCall } from './tool-call.ts'

const suites: Readonly<Record<string, () => Promise<Finding[]>>> = {
  actors,
  events,
  'host-calls': hostCalls,
  chain,
  store,
  sql,
  pipeline,
  load,
  idle,
  fuel,
  determinism,
  decider,
  flows,
  'tool-bodies': toolBodies,
  'tool-call': toolCall,
}

/** Run only when named. */
const slow: Readonly<Record<string, () => Promise<Finding[]>>> = { sharing }

async function main(): Promise<number> {
  // An environment variable, because Electron has arguments of its own.
  const args = (process.env['PADDOCK_BENCH'] ?? '').split(' ').filter((argument) => argument !== '')
  const json = args.includes('--json')
  const named = args.filter((argument) => !argument.startsWith('-'))
  const unknown = named.filter((name) => suites[name] === undefined && slow[name] === undefined)
  if (unknown.length > 0) {
    process.stderr.write(
      `bench: there is no ${unknown.join(', ')}; choose from ${[...Object.keys(suites), ...Object.keys(slow)].join(', ')}\n`,
    )
    return 2
  }
  if (isElectron) await (await import('electron')).app.whenReady()
  if (!json) process.stdout.write(`\n${runtime}\n`)
  let missed = 0
  const chosen = [...Object.entries(suites), ...Object.entries(slow)].filter(([name]) =>
    named.length > 0 ? named.includes(name) : suites[name] !== undefined,
  )
  for (const [, suite] of chosen) {
    for (const finding of await suite()) {
      if (!meets(finding)) missed += 1
      process.stdout.write(json ? `${JSON.stringify({ runtime, ...finding })}\n` : `${line(finding)}\n`)
    }
  }
  if (!json) process.stdout.write(missed === 0 ? 'every goal is met\n' : `${missed} goals are missed\n`)
  return 0
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    process.exit(1)
  },
)

function line(finding: Finding): string {
  const value = `${finding.value.toFixed(2)} ${finding.unit}`.padStart(10)
  const goal = finding.goal === null ? '' : `${finding.goal.kind} ${finding.goal.value}`
  const verdict = finding.goal === null ? '    ' : meets(finding) ? 'ok  ' : 'MISS'
  return `${verdict} ${finding.name.padEnd(34)} ${value}  ${goal.padEnd(14)} ${finding.what}\n     ${''.padEnd(34)} ${finding.detail}`
}
