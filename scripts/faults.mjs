#!/usr/bin/env node
// Does to Paddock what it must survive and prints what survived: `npm run faults [-- part-of-a-name…] [-- --short]`,
// and `npm run faults -- soak [--minutes N] [--modules N]`. PADDOCK_FAULTS_SEED tries the same moments again.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { dependencies } from './setup/dependencies.mjs'
import { main } from './setup/main.mjs'
import { node, root } from './setup/paths.mjs'
import { toolEnvironment } from './setup/run.mjs'

const args = process.argv.slice(2)
const options = args.filter((argument) => argument !== '--short')

await main(async () => {
  await dependencies()
  await build()
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning']
  const env = { ...toolEnvironment(), PADDOCK_FAULTS: args.includes('--short') ? 'short' : 'long' }
  const seed = process.env.PADDOCK_FAULTS_SEED
  if (seed !== undefined) env.PADDOCK_FAULTS_SEED = seed
  const child = spawn(node, [...flags, join(root, 'test/faults/main.ts'), ...options], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  process.exitCode = await new Promise((settle, fail) => {
    child.on('error', fail)
    child.on('exit', (code) => settle(code ?? 1))
  })
})
