#!/usr/bin/env node
// The command line: starts the built out/main/cli.cjs on a Node that is new enough. Builds nothing.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const script = join(root, 'out', 'main', 'cli.cjs')
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

// better-sqlite3 needs a Node-API that Node 20 lacks.
const oldestNode = 22

if (!existsSync(script)) {
  process.stderr.write('paddock: the application is not built yet: run npm start or npm run build once.\n')
  process.exit(2)
}
// A signal to npx itself may end npx and its shell only: this process then stops as well.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 250)
  watch.unref()
}

if (Number.parseInt(process.versions.node, 10) >= oldestNode) {
  process.argv[1] = script
  createRequire(import.meta.url)(script)
} else if (existsSync(node)) {
  runOnNewerNode()
} else {
  process.stderr.write(
    `paddock: Node ${oldestNode} or newer is needed: run npm start once, which provides one.\n`,
  )
  process.exit(2)
}

function runOnNewerNode() {
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.on('SIGTERM', (signal) => child.kill(signal))
  process.on('SIGINT', (signal) => {
    // At a terminal Ctrl-C has reached the child already.
    if (process.stdin.isTTY !== true) child.kill(signal)
  })
  child.on('error', (error) => {
    process.stderr.write(`paddock: ${error.message}\n`)
    process.exitCode = 2
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}
