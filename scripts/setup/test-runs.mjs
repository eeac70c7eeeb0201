import { spawn } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cache, modulesFolder, node, root } from './paths.mjs'
import { toolEnvironment } from './run.mjs'

const none = { passed: 0, failed: 0, skipped: 0 }

/** A test run that did not end well, with the counts so far as its `value`. */
class TestFailure extends Error {
  constructor(message, value) {
    super(message)
    this.value = value
  }
}

/** Runs vitest's `projects`, its output shown as it comes; resolves with the counts, or throws a TestFailure with them. */
export async function vitest(label, projects) {
  const file = await reportFile(label)
  const args = [
    join(modulesFolder, 'vitest', 'vitest.mjs'),
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]
  const code = await show(args, toolEnvironment())
  const report = await readReport(file)
  const counts = report && {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  }
  return conclude(label, code, counts)
}

/** Runs Playwright on the real app with the Electron given; counts as `vitest` does. */
export async function playwright({ executable, switches }, environment) {
  const file = await reportFile('e2e')
  const args = [join(modulesFolder, '@playwright', 'test', 'cli.js'), 'test', '--reporter=list,json']
  const code = await show(args, {
    ...environment,
    ...toolEnvironment(),
    DISPLAY: environment.DISPLAY,
    XAUTHORITY: environment.XAUTHORITY,
    PLAYWRIGHT_JSON_OUTPUT_NAME: file,
    PADDOCK_ELECTRON: executable,
    PADDOCK_ELECTRON_SWITCHES: switches.join(' '),
  })
  const stats = (await readReport(file))?.stats
  const counts = stats && {
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
  }
  return conclude('e2e', code, counts)
}

function conclude(label, code, counts = none) {
  if (code === 0) return counts
  // A runner that failed without naming a failed test (a file that does not load, a crash) counts as one.
  throw new TestFailure(`${label}: exit ${code}`, { ...counts, failed: Math.max(counts.failed, 1) })
}

async function reportFile(label) {
  await mkdir(cache, { recursive: true })
  const file = join(cache, `report-${label}.json`)
  await rm(file, { force: true })
  return file
}

async function readReport(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}

function show(args, env) {
  return new Promise((settle) => {
    const child = spawn(node, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', () => settle(127))
    child.on('close', (code) => settle(code ?? 128))
  })
}
