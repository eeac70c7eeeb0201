import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupError } from './run.mjs'

const familyWild = 0xffff
const protocol = 'MIT-MAGIC-COOKIE-1'
const startTimeoutMs = 15_000

export function needsVirtualDisplay() {
  return process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY
}

/**
 * Calls `work` with the environment of a display: this machine's own, or a virtual one that lives as long as the
 * work. Unlike under xvfb-run, signals meant for the work reach only the work.
 */
export async function withDisplay(work) {
  if (!needsVirtualDisplay()) return work(process.env)
  const folder = await mkdtemp(join(tmpdir(), 'paddock-display-'))
  const authority = join(folder, 'authority')
  await writeFile(authority, authorityFile(randomBytes(16)), { mode: 0o600 })
  const screen = ['-screen', '0', '1440x900x24', '-nolisten', 'tcp', '-auth', authority, '-displayfd', '3']
  // In a process group of its own, so that Ctrl-C does not take the display away from a window that is closing.
  const server = spawn('Xvfb', screen, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true })
  try {
    const display = await displayNumber(server)
    return await work({ ...process.env, DISPLAY: `:${display}`, XAUTHORITY: authority })
  } finally {
    server.kill('SIGTERM')
    await rm(folder, { recursive: true, force: true })
  }
}

/** Xvfb writes the number of the display that it chose, and a newline, once it accepts connections. */
function displayNumber(server) {
  return new Promise((settle, fail) => {
    const timer = setTimeout(() => fail(new SetupError('Xvfb did not start in time.')), startTimeoutMs)
    let text = ''
    server.stdio[3].on('data', (chunk) => {
      text += chunk
      if (!text.includes('\n')) return
      clearTimeout(timer)
      settle(text.trim())
    })
    server.on('error', (error) => fail(new SetupError(`Xvfb could not be started: ${error.message}`)))
    server.on('exit', (code) => {
      clearTimeout(timer)
      fail(new SetupError(`Xvfb ended with ${code}.`))
    })
  })
}

/** The format of Xau(3): family, address, display number, protocol name, data, each behind a 16-bit length. */
function authorityFile(cookie) {
  const field = (bytes) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
  const family = Buffer.from([familyWild >> 8, familyWild & 0xff])
  const empty = field(Buffer.alloc(0))
  return Buffer.concat([family, empty, empty, field(Buffer.from(protocol)), field(cookie)])
}
