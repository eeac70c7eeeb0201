import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

/**
 * Runs a program and ends it when standard input closes, which the system does for us even when Paddock is
 * killed with SIGKILL. The first line of output is the program's process id.
 */
const guardScript = `
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
echo "$child"
{ cat >/dev/null; kill -TERM "$child"; sleep 2; kill -KILL "$child"; } <&3 3<&- 2>/dev/null >/dev/null &
guard=$!
exec 3<&-
wait "$child"
code=$?
kill -KILL "$guard" 2>/dev/null
exit "$code"
`

export interface GuardedProcessEvents {
  onLine(line: string): void
  /** Once: it ended, or could not be started. */
  onEnd(reason: string): void
}

/** A program that never outlives this process, however that ends. */
export class GuardedProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #killNow: () => void
  #pid: number | null = null
  #hasEnded = false

  constructor(command: string, args: readonly string[], events: GuardedProcessEvents) {
    const hasShell = process.platform !== 'win32'
    // A group of its own: Ctrl-C in a terminal must not end it under our hands, and we can end it as one.
    this.#child = hasShell
      ? spawn('/bin/sh', ['-c', guardScript, 'paddock-devnet', command, ...args], {
          stdio: ['pipe', 'pipe', 'pipe'],
          detached: true,
          env: environment(),
        })
      : spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true, env: environment() })
    if (!hasShell) this.#pid = this.#child.pid ?? null
    this.#killNow = () => this.#signal('SIGKILL')
    process.once('exit', this.#killNow)
    this.#child.stdin?.on('error', () => undefined)
    readLines(this.#child.stdout, (line) => {
      if (this.#pid === null && /^\d+$/.test(line)) this.#pid = Number(line)
      else events.onLine(line)
    })
    readLines(this.#child.stderr, (line) => events.onLine(line))
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.#hasEnded) return
        this.#hasEnded = true
        process.removeListener('exit', this.#killNow)
        events.onEnd(reason)
        resolve()
      }
      this.#child.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'it could not be started'))
      this.#child.on('close', (code, signal) => end(signal === null ? `exit code ${code ?? 0}` : signal))
    })
  }

  get pid(): number | null {
    return this.#hasEnded ? null : this.#pid
  }

  /** Asks it to end, and after `graceMs` makes it. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#signal('SIGTERM')
    const timer = setTimeout(() => this.#signal('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(timer)
  }

  #signal(signal: NodeJS.Signals): void {
    const groupId = this.#child.pid
    if (this.#hasEnded || groupId === undefined) return
    // A term goes to the program alone: the guard waits for it and reports its end.
    const target = process.platform === 'win32' ? groupId : signal === 'SIGTERM' ? this.#pid : -groupId
    if (target === null) return
    try {
      process.kill(target, signal)
    } catch {
      // It ended by itself in this moment.
    }
  }
}

/** Nothing of ours but what a program needs to run at all. */
function environment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'USERPROFILE', 'LANG']
  const present = names.filter((name) => process.env[name] !== undefined)
  return { ...Object.fromEntries(present.map((name) => [name, process.env[name]])), NO_COLOR: '1' }
}

const longestLine = 4_096

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/\r?\n/)
    rest = (lines.pop() ?? '').slice(-longestLine)
    for (const line of lines) onLine(line.slice(0, longestLine))
  })
  stream?.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}
