import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installOrName } from './debian.mjs'
import { withLock } from './lock.mjs'
import { cache, modulesFolder, node, root } from './paths.mjs'
import { step } from './progress.mjs'
import { capture, mustRun, toolEnvironment } from './run.mjs'

const source = join(modulesFolder, 'better-sqlite3')
const addon = join(source, 'build', 'Release', 'better_sqlite3.node')
const header = fileURLToPath(new URL('napi8-string-reference.h', import.meta.url))

/** The first Electron whose Node-API (10) the package's own prebuilt addon fits. */
const firstFittingElectron = 35

/**
 * Provides better-sqlite3 for the Electron given. Its prebuilt addon needs Node-API 10; for an older Electron it is
 * compiled once for Node-API 8, which newer runtimes (Node 26 in the tests) load as well.
 */
export async function sqlite(electronVersion) {
  const major = Number.parseInt(electronVersion ?? '0', 10)
  if (major >= firstFittingElectron) return
  await withLock('sqlite', async () => {
    const cached = await cachedAddon()
    if (!existsSync(cached))
      await step('Compiling better-sqlite3 for Node-API 8', (report) => compile(cached, report))
    await place(cached)
  })
}

/** Named after everything that goes into it, so that a change of any compiles anew. */
async function cachedAddon() {
  const { version } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'))
  const digest = createHash('sha256')
    .update(await readFile(header))
    .digest('hex')
  return join(
    cache,
    `better-sqlite3-${version}-napi8-${process.platform}-${process.arch}-${digest.slice(0, 8)}.node`,
  )
}

/** Copies by rename: a running process keeps the file it has loaded. */
async function place(cached) {
  const [wanted, found] = await Promise.all([readFile(cached), readFile(addon).catch(() => undefined)])
  if (found?.equals(wanted) === true) return
  await mkdir(dirname(addon), { recursive: true })
  const temporary = `${addon}.${process.pid}.tmp`
  await copyFile(cached, temporary)
  await rename(temporary, addon)
}

async function compile(cached, report) {
  await requireCompiler()
  const work = await mkdtemp(join(tmpdir(), 'paddock-sqlite-'))
  try {
    const copy = join(work, 'node_modules', 'better-sqlite3')
    const withoutBuild = (path) => path !== join(source, 'build')
    await cp(source, copy, { recursive: true, filter: withoutBuild })
    const api = 'node-addon-api'
    await cp(join(modulesFolder, api), join(work, 'node_modules', api), { recursive: true })
    await retarget(join(copy, 'binding.gyp'))
    const gyp = join(modulesFolder, 'node-gyp', 'bin', 'node-gyp.js')
    const options = ['--release', '--force_build=1', ...(await headerOption())]
    await mustRun('Compiling better-sqlite3', node, [gyp, 'rebuild', ...options], {
      cwd: copy,
      env: toolEnvironment(),
      onOutput: report,
    })
    const temporary = `${cached}.${process.pid}.tmp`
    await copyFile(join(copy, 'build', 'Release', 'better_sqlite3.node'), temporary)
    await rename(temporary, cached)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function retarget(file) {
  const original = await readFile(file, 'utf8')
  const changed = original
    .replace('NAPI_VERSION=10', 'NAPI_VERSION=8')
    .replace("'cflags_cc': [", `'cflags_cc': ['-include', '${header}', `)
  if (!changed.includes('NAPI_VERSION=8') || !changed.includes(header)) {
    throw new Error('better-sqlite3 changed its binding.gyp: the Node-API 8 build needs a look.')
  }
  await writeFile(file, changed)
}

async function requireCompiler() {
  const tools = [
    ['make', 'make'],
    ['g++', 'g++'],
    ['python3', 'python3'],
  ]
  const missing = []
  for (const [tool, debianPackage] of tools) {
    const { code } = await capture(tool, ['--version'])
    if (code !== 0) missing.push(debianPackage)
  }
  if (missing.length > 0) await installOrName('To compile better-sqlite3', missing)
}

/** Node's headers where a Node of this machine was installed with them; node-gyp downloads them otherwise. */
async function headerOption() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(root))
  for (const folder of [dirname(process.execPath), ...folders]) {
    const binary = await realpath(join(folder, 'node')).catch(() => undefined)
    if (binary === undefined) continue
    const prefix = dirname(dirname(binary))
    if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) return [`--nodedir=${prefix}`]
  }
  return []
}
