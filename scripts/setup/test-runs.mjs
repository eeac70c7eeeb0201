import { spawn } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { cache, modulesFolder, node, root } from './paths.mjs'
import { toolEnvironment } from './run.mjs'

const none = { passed: 0, failed: 0, skipped: 0, failures: [], retried: [] }

/** A test run that did not end well, with the counts so far as its `value`. */
class TestFailure extends Error {
  constructor(message, value) {
    super(message)
    this.value = value
  }
}

/**
 * Runs vitest's `projects`, its output shown as it comes; resolves with the counts and the names of tests that failed or
 * passed only when tried again, or throws a TestFailure with them. `options`: files at a time, and tries beyond the first.
 */
export async function vitest(label, projects, { workers, retries } = {}) {
  const file = await reportFile(label)
  const args = [
    join(modulesFolder, 'vitest', 'vitest.mjs'),
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...(workers === undefined ? [] : [`--maxWorkers=${workers}`]),
    ...(retries === undefined ? [] : [`--retry=${retries}`]),
  ]
  const code = await show(args, toolEnvironment())
  const report = await readReport(file)
  const counts = report && {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    ...vitestNames(report),
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
  const report = await readReport(file)
  const counts = report && {
    passed: report.stats.expected + report.stats.flaky,
    failed: report.stats.unexpected,
    skipped: report.stats.skipped,
    ...playwrightNames(report),
  }
  return conclude('e2e', code, counts)
}

function vitestNames({ testResults }) {
  const names = { failures: [], retried: [] }
  for (const { name: file, status, message, assertionResults } of testResults) {
    const place = relative(root, file)
    for (const { fullName, status: outcome, failureMessages } of assertionResults) {
      if (outcome === 'failed')
        names.failures.push(`${place} › ${fullName}: ${firstLine(failureMessages[0])}`)
      else if (failureMessages.length > 0)
        names.retried.push(`${place} › ${fullName}: ${firstLine(failureMessages[0])}`)
    }
    if (status === 'failed' && assertionResults.every((each) => each.status !== 'failed'))
      names.failures.push(`${place}: ${firstLine(message)}`)
  }
  return names
}

function playwrightNames(report) {
  const names = { failures: [], retried: [] }
  const visit = ({ file, specs = [], suites = [] }) => {
    for (const { title, tests } of specs) {
      for (const { status, results } of tests) {
        const error = results.find((each) => each.error !== undefined)?.error?.message
        const line = `${file} › ${title}: ${firstLine(error)}`
        if (status === 'unexpected') names.failures.push(line)
        if (status === 'flaky') names.retried.push(line)
      }
    }
    suites.forEach(visit)
  }
  report.suites.forEach(visit)
  return names
}

// Colours would make the lines unreadable in a log.
const colours = /\u001b\[[\d;]*m/g

function firstLine(text = 'no message') {
  return text.replaceAll(colours, '').split('\n')[0].slice(0, 300)
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
