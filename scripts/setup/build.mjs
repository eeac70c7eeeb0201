import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { withLock } from './lock.mjs'
import { modulesFolder, node, root } from './paths.mjs'
import { say, step } from './progress.mjs'
import { mustRun, toolEnvironment } from './run.mjs'
import { hashInputs, listFiles, readStamp, writeStamp } from './stamps.mjs'

const inputs = [
  'src',
  'electron.vite.config.ts',
  'svelte.config.js',
  'tsconfig.base.json',
  'package.json',
  'package-lock.json',
]

const affectsBuild = (file) => !file.endsWith('.test.ts')

/** Builds the app into out/ when its inputs changed since the last build, then the example modules likewise. */
export async function build() {
  await withLock('build', buildApp)
  await withLock('build-modules', buildModules)
}

async function buildApp() {
  const hash = await hashInputs(inputs, affectsBuild)
  const stamp = await readStamp('build')
  const isFresh = stamp?.hash === hash && stamp.outputs.every((file) => existsSync(join(root, file)))
  if (isFresh) return
  await step('Building the app', async (report) => {
    const electronVite = join(modulesFolder, 'electron-vite', 'bin', 'electron-vite.js')
    await mustRun('electron-vite build', node, [electronVite, 'build'], {
      env: toolEnvironment({ NODE_ENV: 'production' }),
      onOutput: report,
    })
  })
  const outputs = (await listFiles(join(root, 'out'))).map((file) => relative(root, file))
  await writeStamp('build', { hash, outputs })
}

/** The builder needs Node 26, so that it runs in a process of its own. */
async function buildModules() {
  const builder = join(root, 'scripts', 'build-modules.mjs')
  if (!existsSync(builder)) return
  const program = `
    const { buildModules } = await import(${JSON.stringify(pathToFileURL(builder).href)})
    await buildModules({ root: ${JSON.stringify(root)}, log: (line) => console.log(line) })`
  await mustRun('Building the example modules', node, ['--input-type=module', '--eval', program], {
    env: toolEnvironment(),
    onOutput: (text) =>
      text.trim() !== '' &&
      text
        .trim()
        .split('\n')
        .forEach((line) => say(line)),
  })
}
