/** Starts processes by `child_process.fork`: the launcher under plain Node. */
import { fork, type ChildProcess, type Serializable } from 'node:child_process'
import {
  childEnvironment,
  type ExitClass,
  type LaunchedProcess,
  type LaunchOptions,
  type ProcessExit,
  type SandboxLauncher,
} from './launcher.ts'
import { splitLines } from './output-lines.ts'

export interface ForkLauncherOptions {
  /** The Node to run; this process's own by default. */
  readonly execPath?: string
  /** Where the allow-listed variables are taken from; this process's environment by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Variables every child gets beside the allow-listed ones, for instance `ELECTRON_RUN_AS_NODE`. Never a secret. */
  readonly extraEnvironment?: Readonly<Record<string, string>>
}

/**
 * V8 ends a process that is out of heap by `abort()` on POSIX (SIGABRT, or 134 = 128 + 6 where a shell stands
 * between), and so does nothing else in Node but a failed internal check, of which an exhausted heap is by far the
 * likeliest in a process that runs guests. A C++ allocation that fails ends it by SIGILL or SIGTRAP, V8's own
 * immediate crash. What is printed on stderr meanwhile is never looked at: a guest could print the same.
 */
const heapSignals: readonly string[] = ['SIGABRT', 'SIGILL', 'SIGTRAP']
const heapCodes: readonly number[] = [134, 132, 133, 0xe0000008]
const crashSignals: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGSYS', 'SIGQUIT']

/** The class of a process's end, by its exit code and signal alone. */
export function classifyExit(code: number | null, signal: string | null): ExitClass {
  if (signal !== null) {
    if (heapSignals.includes(signal)) return 'oom'
    return crashSignals.includes(signal) ? 'crash' : 'killed'
  }
  if (code === 0) return 'clean'
  if (code === null || code < 0) return 'crash'
  if (heapCodes.includes(code)) return 'oom'
  // 128 + n: ended by signal n within a wrapper; from 0xC0000000 on: an unhandled exception on Windows.
  if (code === 137 || code === 143) return 'killed'
  return code > 128 ? 'crash' : 'error'
}

export class ForkLauncher implements SandboxLauncher {
  private readonly options: ForkLauncherOptions

  constructor(options: ForkLauncherOptions = {}) {
    this.options = options
  }

  launch(options: LaunchOptions): LaunchedProcess {
    const { execPath, environment = process.env, extraEnvironment = {} } = this.options
    try {
      const child = fork(options.entry, [...(options.args ?? [])], {
        execArgv: [...heapFlag(options.heapLimitMb), ...(options.execArgv ?? [])],
        ...(execPath === undefined ? {} : { execPath }),
        env: { ...childEnvironment(environment), ...extraEnvironment },
        serialization: 'advanced',
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      })
      return new ForkedProcess(child)
    } catch {
      return new ForkedProcess(undefined)
    }
  }
}

function heapFlag(heapLimitMb: number | undefined): string[] {
  return heapLimitMb === undefined ? [] : [`--max-old-space-size=${heapLimitMb}`]
}

type OutputListener = (line: string, stream: 'stdout' | 'stderr') => void

class ForkedProcess implements LaunchedProcess {
  private readonly child: ChildProcess | undefined
  private exit: ProcessExit | undefined
  private readonly messageListeners = new Set<(message: unknown) => void>()
  private readonly exitListeners = new Set<(exit: ProcessExit) => void>()
  private readonly outputListeners = new Set<OutputListener>()

  constructor(child: ChildProcess | undefined) {
    this.child = child
    if (child === undefined) {
      this.end({ class: 'launch-failed', code: null, signal: null })
      return
    }
    let spawned = false
    child.once('spawn', () => {
      spawned = true
    })
    child.on('message', (message) => {
      for (const listener of [...this.messageListeners]) listener(message)
    })
    // Also emitted where a message could not be sent or the process not be killed; only a failed spawn is an end.
    child.on('error', () => {
      if (!spawned && child.pid === undefined) this.end({ class: 'launch-failed', code: null, signal: null })
    })
    // 'close' comes after the output's last byte and the channel's last message.
    child.once('close', (code, signal) => this.end({ class: classifyExit(code, signal), code, signal }))
    for (const name of ['stdout', 'stderr'] as const) {
      splitLines(child[name], (line) => {
        for (const listener of [...this.outputListeners]) listener(line, name)
      })
    }
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  post(message: unknown): void {
    if (this.exit !== undefined || this.child?.connected !== true) return
    // The channel may close between the check and the write; the end itself is reported by 'close'.
    this.child.send(message as Serializable, () => undefined)
  }

  onMessage(listener: (message: unknown) => void): () => void {
    return add(this.messageListeners, listener)
  }

  onExit(listener: (exit: ProcessExit) => void): () => void {
    if (this.exit !== undefined) {
      listener(this.exit)
      return () => undefined
    }
    return add(this.exitListeners, listener)
  }

  onOutput(listener: OutputListener): () => void {
    return add(this.outputListeners, listener)
  }

  kill(): void {
    if (this.exit === undefined) this.child?.kill('SIGKILL')
  }

  private end(exit: ProcessExit): void {
    if (this.exit !== undefined) return
    this.exit = exit
    const listeners = [...this.exitListeners]
    this.exitListeners.clear()
    this.messageListeners.clear()
    for (const listener of listeners) listener(exit)
  }
}

function add<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
