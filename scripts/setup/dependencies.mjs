import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { modulesFolder, node, root } from './paths.mjs'
import { step } from './progress.mjs'
import { capture, mustRun } from './run.mjs'
import { hashInputs, readStamp, writeStamp } from './stamps.mjs'

/** Installs node_modules exactly as package-lock.json says when missing or stale, and Node 26 in it. */
export async function dependencies() {
  await withLock('dependencies', async () => {
    await packages()
    await nodeRuntime()
  })
}

async function packages() {
  const hash = await hashInputs(['package-lock.json'])
  const stamp = await readStamp('dependencies')
  const installed = await readLock(join(modulesFolder, '.package-lock.json'))
  if (stamp?.hash === hash && installed !== undefined) return
  if (installed === undefined || !matches(await readLock(join(root, 'package-lock.json')), installed)) {
    // Install scripts are off: which of them npm runs differs from version to version. The one needed follows.
    await step('Installing dependencies (npm ci)', (report) =>
      npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], report),
    )
  }
  await writeStamp('dependencies', { hash })
}

async function readLock(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Whether the installed tree is the locked one; packages for other platforms may be absent. */
function matches(locked, installed) {
  const wanted = Object.entries(locked).filter(([path]) => path !== '')
  return wanted.every(([path, entry]) => {
    const found = installed[path]
    return found === undefined ? entry.optional === true : found.version === entry.version
  })
}

function npm(args, report) {
  const script = process.env.npm_execpath
  const isNpm = script !== undefined && /npm-cli\.c?js$/.test(script)
  const [command, first] = isNpm
    ? [process.execPath, [script]]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
  return mustRun(`npm ${args[0]}`, command, [...first, ...args], { onOutput: report })
}

/** The `node` package fetches its binary in an install script: run here, once, by name. */
async function nodeRuntime() {
  const wanted = JSON.parse(await readFile(join(modulesFolder, 'node', 'package.json'), 'utf8')).version
  if (await isNode(wanted)) return
  await step(`Providing Node ${wanted}`, (report) =>
    mustRun('Installing the node package', process.execPath, ['installArchSpecificPackage.js'], {
      cwd: join(modulesFolder, 'node'),
      onOutput: report,
    }),
  )
  if (!(await isNode(wanted))) throw new Error(`${node} does not run as Node ${wanted}.`)
}

async function isNode(version) {
  if (!existsSync(node)) return false
  const { code, output } = await capture(node, ['--version'])
  return code === 0 && output.trim() === `v${version}`
}
