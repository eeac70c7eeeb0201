#!/usr/bin/env node
// Sets up whatever is missing or stale, then runs every check and every test: `npm test`.
// `npm test -- checks|unit|integration|e2e` runs the parts named.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { dependencies } from './setup/dependencies.mjs'
import { desktop } from './setup/desktop.mjs'
import { withDisplay } from './setup/display.mjs'
import { main } from './setup/main.mjs'
import { natsServer } from './setup/nats-server.mjs'
import { modulesFolder, node } from './setup/paths.mjs'
import { say } from './setup/progress.mjs'
import { mustRun, SetupError, toolEnvironment } from './setup/run.mjs'
import { NotRun, runTasks } from './setup/tasks.mjs'
import { playwright, vitest } from './setup/test-runs.mjs'

const parts = ['checks', 'unit', 'integration', 'e2e']

await main(async () => {
  const asked = process.argv.slice(2)
  const unknown = asked.find((part) => !parts.includes(part))
  if (unknown !== undefined)
    throw new SetupError(`There is no part "${unknown}". Parts: ${parts.join(', ')}.`)
  const isAsked = (part) => asked.length === 0 || asked.includes(part)

  const [installed] = await runTasks([{ name: 'dependencies', run: dependencies }], 1)
  const results = [installed]
  if (installed.outcome === 'ok') {
    results.push(...(await runTasks(preparation(isAsked), Math.max(2, availableParallelism()))))
    // Tests have the machine to themselves: some of them measure time.
    const needed = new Set(results.filter(({ outcome }) => outcome !== 'ok').map(({ name }) => name))
    results.push(...(await runTasks(tests(isAsked, needed, results), 1)))
  }
  summarize(results)
})

/** What must be there for the tests, and the checks beside it. */
function preparation(isAsked) {
  const needsBuild = isAsked('integration') || isAsked('e2e')
  const bin = (...path) => join(modulesFolder, ...path)
  const checks = [
    tool('lint', bin('eslint', 'bin', 'eslint.js'), '--max-warnings', '0', '.'),
    tool('types', bin('typescript', 'bin', 'tsc'), '-p', '.'),
    tool('types of src/shared', bin('typescript', 'bin', 'tsc'), '-p', 'src/shared'),
    tool('types of test/e2e', bin('typescript', 'bin', 'tsc'), '-p', 'test/e2e'),
    tool('types of the guest kit', bin('typescript', 'bin', 'tsc'), '-p', 'scripts/guest-kit/guest'),
    tool('types of modules', bin('typescript', 'bin', 'tsc'), '-p', 'modules'),
    tool(
      'svelte-check',
      bin('svelte-check', 'bin', 'svelte-check'),
      '--tsconfig',
      'src/renderer/tsconfig.json',
      '--fail-on-warnings',
    ),
    tool('format', bin('prettier', 'bin', 'prettier.cjs'), '--check', '.'),
    tool('unused code', bin('knip', 'bin', 'knip.js')),
  ]
  return [
    ...(needsBuild
      ? [
          { name: 'build', run: build },
          { name: 'desktop', run: desktop },
          ...(isAsked('integration') ? [{ name: 'event server', needs: ['desktop'], run: natsServer }] : []),
        ]
      : []),
    ...(isAsked('checks') ? checks : []),
  ]
}

function tool(name, script, ...args) {
  return { name, run: () => mustRun(name, node, [script, ...args], { env: toolEnvironment() }) }
}

function tests(isAsked, failed, results) {
  const provided = results.find(({ name }) => name === 'desktop')?.value
  const needing = (names, run) => async () => {
    const missing = names.find((name) => failed.has(name))
    if (missing !== undefined) throw new NotRun(`needs ${missing}`)
    return run()
  }
  const all = [
    ['checks', 'layers', () => vitest('layers', ['structure'])],
    ['unit', 'unit', () => vitest('unit', ['unit', 'component'], { workers: availableParallelism() })],
    [
      'integration',
      'integration',
      // They wait for processes and chains more than they compute.
      needing(['build', 'desktop'], () =>
        vitest('integration', ['integration'], { workers: availableParallelism() + 1, retries: 1 }),
      ),
    ],
    ['e2e', 'e2e', needing(['build', 'desktop'], () => withDisplay((env) => playwright(provided, env)))],
  ]
  return all.filter(([part]) => isAsked(part)).map(([, name, run]) => ({ name, run }))
}

/** Every step with its time, the output of what failed, and as the last line the total of the tests. */
function summarize(results) {
  const bad = results.filter(({ outcome }) => outcome !== 'ok')
  for (const { name, error } of bad) console.log(`\n== ${name}\n${error?.message ?? error}`)
  console.log('\nStep                   Result     Time')
  for (const { name, outcome, seconds, value } of results) {
    const counts = value?.passed === undefined ? '' : `   ${describe(value)}`
    console.log(`${name.padEnd(22)} ${outcome.padEnd(8)} ${`${seconds.toFixed(1)} s`.padStart(8)}${counts}`)
  }
  tell('Failed', results, 'failures')
  // Real processes on a busy machine: one more try, and never silently.
  tell('Passed only when tried again', results, 'retried')
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const { value } of results) for (const key of Object.keys(total)) total[key] += value?.[key] ?? 0
  say(bad.length === 0 ? 'All good.' : `Failed: ${bad.map(({ name }) => name).join(', ')}`)
  console.log(describe(total))
  if (bad.length > 0) process.exitCode = 1
}

function tell(title, results, key) {
  const lines = results.flatMap(({ name, value }) => (value?.[key] ?? []).map((line) => `  ${name}: ${line}`))
  if (lines.length > 0) console.log(`\n${title}:\n${lines.join('\n')}\n`)
}

function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
