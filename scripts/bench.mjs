#!/usr/bin/env node
// Measures Paddock against the bare mechanisms underneath, in one run: `npm run bench [-- name…] [-- --json]`.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { dependencies } from './setup/dependencies.mjs'
import { main } from './setup/main.mjs'
import { root } from './setup/paths.mjs'

await main(async () => {
  await dependencies()
  await build()
  const node = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  process.exitCode = await new Promise((settle, fail) => {
    const bench = spawn(
      node,
      [
        '--expose-gc',
        '--disable-warning=ExperimentalWarning',
        join(root, 'test/bench/main.ts'),
        ...process.argv.slice(2),
      ],
      {
        cwd: root,
        stdio: 'inherit',
      },
    )
    bench.on('error', fail)
    bench.on('exit', (code) => settle(code ?? 1))
  })
})
