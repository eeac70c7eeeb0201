#!/usr/bin/env node
// Sets up whatever is missing or stale and opens the console: `npm start [-- options of the app]`.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { dependencies } from './setup/dependencies.mjs'
import { desktop } from './setup/desktop.mjs'
import { withDisplay } from './setup/display.mjs'
import { main } from './setup/main.mjs'
import { root } from './setup/paths.mjs'
import { say } from './setup/progress.mjs'

await main(async () => {
  await dependencies()
  const [{ executable, switches }] = await Promise.all([desktop(), build()])
  say('Starting Paddock')
  process.exitCode = await withDisplay((environment) =>
    run(executable, [root, ...switches, ...examples(), ...process.argv.slice(2)], environment),
  )
})

/** The example modules and flows, which the app adds the first time it sees them. */
function examples() {
  const folder = join(root, 'modules')
  const names = readdirSync(folder)
  const having = (...files) =>
    names.filter((name) => files.some((file) => existsSync(join(folder, name, file))))
  return [
    ...having('paddock.toml', 'tool.toml').flatMap((name) => ['--example', join(folder, name)]),
    ...having('Torvyn.toml', 'pipeline.toml').flatMap((name) => ['--example-flow', join(folder, name)]),
  ]
}

/** Runs the app until it ends; each signal to this process is passed on once. Resolves with its exit code. */
function run(executable, args, environment) {
  const { ELECTRON_RUN_AS_NODE: _, ...env } = { ...environment, PADDOCK_PRINT: '1' }
  return new Promise((settle, fail) => {
    // Its own process group: at a terminal Ctrl-C would otherwise reach it twice.
    const app = spawn(executable, args, {
      cwd: root,
      env,
      stdio: 'inherit',
      detached: process.platform !== 'win32',
    })
    const repeatedAfterMs = 1000
    let firstAt
    const forward = (signal) => {
      firstAt ??= performance.now()
      if (performance.now() - firstAt < repeatedAfterMs) {
        if (!app.killed) app.kill(signal)
        return
      }
      app.kill('SIGKILL')
    }
    process.on('SIGINT', forward)
    process.on('SIGTERM', forward)
    onAbandoned(() => forward('SIGTERM'))
    app.on('error', fail)
    app.on('exit', (code, signal) => settle(code ?? 128 + constants.signals[signal]))
  })
}

/** A signal to npm itself may end npm and its shell only: calls back once this process has lost the parent it started with. */
function onAbandoned(callback) {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    callback()
  }, 250)
  watch.unref()
}
