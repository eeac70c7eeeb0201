#!/usr/bin/env node
// Measures Paddock against the bare mechanisms underneath, each ratio within one run:
// `npm run bench [-- name…] [-- --json] [-- --node | --electron]`.
import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { dependencies } from './setup/dependencies.mjs'
import { desktop } from './setup/desktop.mjs'
import { withDisplay } from './setup/display.mjs'
import { main } from './setup/main.mjs'
import { root } from './setup/paths.mjs'

const options = process.argv.slice(2)
const only = options.find((option) => option === '--node' || option === '--electron')
const names = options.filter((option) => option !== only).join(' ')

await main(async () => {
  await dependencies()
  await build()
  const node = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const codes = [
    await run(node, [join(root, 'test/fixtures/build-fixtures.mjs')], process.env),
    await run(node, [join(root, 'test/fixtures/actors/build-actors.mjs')], process.env),
  ]
  codes.push(
    await run(
      node,
      [join(root, 'scripts/guest-kit/cli.mjs'), 'test/fixtures/actor-guests/bench'],
      process.env,
    ),
  )
  if (only !== '--electron') {
    const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning']
    codes.push(await run(node, [...flags, join(root, 'test/bench/main.ts')], process.env))
  }
  if (only !== '--node') {
    const { executable, switches } = await desktop()
    const app = await bundle()
    codes.push(await withDisplay((environment) => run(executable, [app, ...switches], environment)))
  }
  process.exitCode = Math.max(...codes)
})

/** The benchmark as an Electron app: Electron 25 runs neither TypeScript nor an ESM entry. */
async function bundle() {
  const folder = join(root, '.cache/bench')
  const { build: viteBuild } = await import('vite')
  const { builtinModules } = await import('node:module')
  await viteBuild({
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'node18',
      minify: false,
      ssr: true,
      rolldownOptions: {
        input: { main: join(root, 'test/bench/main.ts') },
        external: [
          'electron',
          'better-sqlite3',
          'componentize-qjs',
          /^@bytecodealliance\//,
          /^node:/,
          ...builtinModules,
        ],
        output: {
          format: 'cjs',
          entryFileNames: '[name].cjs',
          codeSplitting: false,
          dynamicImportInCjs: true,
        },
      },
    },
    ssr: { noExternal: true },
  })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'paddock-bench', main: 'main.cjs' }))
  return folder
}

function run(command, args, environment) {
  return new Promise((settle, fail) => {
    const bench = spawn(command, args, {
      cwd: root,
      stdio: ['inherit', 'inherit', 'inherit'],
      env: { ...environment, PADDOCK_BENCH: names },
    })
    bench.on('error', fail)
    bench.on('exit', (code) => settle(code ?? 1))
  })
}
