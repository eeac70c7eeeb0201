/** `SandboxLauncher` over Electron's `utilityProcess`. The fork twin is in src/engine/sandboxes. */
import { constants } from 'node:os'
import { PassThrough, type Readable } from 'node:stream'
import { app, utilityProcess, type UtilityProcess } from 'electron'
import {
  childEnvironment,
  type ExitClass,
  type LaunchedProcess,
  type LaunchOptions,
  type ProcessExit,
  type SandboxLauncher,
} from '../engine/sandboxes/launcher.ts'
import { splitLines } from '../engine/sandboxes/output-lines.ts'

/** How long after `exit` the more precise `child-process-gone` may still come. */
const joinMs = 50
/** How long after `exit` the output may still come; longer only where a grandchild holds it open. */
const drainMs = 500

/** V8 aborts when its heap is full, and Electron calls that "crashed" with the bare signal (seen on Electron 25). */
const abortSignal = 6

/** Reasons of Electron's `child-process-gone`, as far as they tell more than the exit code. */
const classByReason: Readonly<Record<string, ExitClass>> = {
  'clean-exit': 'clean',
  'abnormal-exit': 'error',
  killed: 'killed',
  crashed: 'crash',
  oom: 'oom',
  'launch-failed': 'launch-failed',
  'integrity-failure': 'launch-failed',
}

/** What `child-process-gone` says; its code is right where `exit` reports a crash as 0 (seen on Electron 25). */
interface Gone {
  readonly reason: string
  readonly exitCode: number
}

export class UtilityLauncher implements SandboxLauncher {
  /** Children that run, by service name; how one was gone, once that is known. */
  private readonly gone = new Map<string, Gone | undefined>()

  constructor() {
    app.on('child-process-gone', (_event, { type, name, reason, exitCode }) => {
      // `name` is what `fork` calls `serviceName`; `serviceName` is the same for all utility processes.
      if (type === 'Utility' && name !== undefined && this.gone.has(name))
        this.gone.set(name, { reason, exitCode })
    })
  }

  launch(options: LaunchOptions): LaunchedProcess {
    const { serviceName } = options
    this.gone.set(serviceName, undefined)
    const child = utilityProcess.fork(options.entry, [...(options.args ?? [])], {
      serviceName,
      env: childEnvironment(process.env),
      execArgv: [...heapFlag(options.heapLimitMb), ...(options.execArgv ?? [])],
      stdio: 'pipe',
    })
    return new UtilityChild(child, () => {
      const gone = this.gone.get(serviceName)
      this.gone.delete(serviceName)
      return gone
    })
  }
}

/** A utility process takes V8 flags in this form only (seen on Electron 25: the plain flag changes nothing). */
function heapFlag(heapLimitMb: number | undefined): string[] {
  return heapLimitMb === undefined ? [] : [`--js-flags=--max-old-space-size=${heapLimitMb}`]
}

type OutputListener = (line: string, stream: 'stdout' | 'stderr') => void

class UtilityChild implements LaunchedProcess {
  private readonly child: UtilityProcess
  private readonly takeGone: () => Gone | undefined
  private readonly exitListeners = new Set<(exit: ProcessExit) => void>()
  private readonly outputListeners = new Set<OutputListener>()
  private readonly outputs: readonly Output[]
  private exit: ProcessExit | undefined
  private exiting = false
  private spawned = false
  private killed = false

  constructor(child: UtilityProcess, takeGone: () => Gone | undefined) {
    this.child = child
    this.takeGone = takeGone
    this.outputs = (['stdout', 'stderr'] as const).map((name) => {
      const output = new Output(child[name] as Readable | null)
      splitLines(output.text, (line) => {
        for (const listener of [...this.outputListeners]) listener(line, name)
      })
      return output
    })
    child.once('spawn', () => {
      this.spawned = true
      if (this.killed) this.signalKill()
    })
    child.once('exit', (code) => void this.onProcessExit(code))
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  post(message: unknown): void {
    if (!this.exiting) this.child.postMessage(message)
  }

  onMessage(listener: (message: unknown) => void): () => void {
    this.child.on('message', listener)
    return () => void this.child.off('message', listener)
  }

  onExit(listener: (exit: ProcessExit) => void): () => void {
    if (this.exit !== undefined) {
      listener(this.exit)
      return () => undefined
    }
    this.exitListeners.add(listener)
    return () => void this.exitListeners.delete(listener)
  }

  onOutput(listener: OutputListener): () => void {
    this.outputListeners.add(listener)
    return () => void this.outputListeners.delete(listener)
  }

  kill(): void {
    if (this.exiting) return
    this.killed = true
    if (this.spawned) this.signalKill()
  }

  /** `UtilityProcess.kill` asks politely (SIGTERM); a process that does not answer needs more. */
  private signalKill(): void {
    const { pid } = this.child
    if (pid === undefined) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself in between; its exit is reported all the same.
    }
  }

  private async onProcessExit(exitCode: number): Promise<void> {
    this.exiting = true
    const joined = new Promise<void>((resolve) => setTimeout(resolve, joinMs))
    await Promise.all([joined, ...this.outputs.map((output) => output.drain())])
    const gone = this.takeGone()
    const code = gone?.exitCode ?? exitCode
    this.exit = { class: this.classify(code, gone?.reason), code, signal: this.signalOf(code, gone?.reason) }
    const listeners = [...this.exitListeners]
    this.exitListeners.clear()
    for (const listener of listeners) listener(this.exit)
  }

  /** Electron gives the number of the signal as exit code of a process killed from outside. */
  private signalOf(code: number, reason: string | undefined): string | null {
    if (this.killed) return 'SIGKILL'
    if (reason !== 'killed') return null
    return Object.entries(constants.signals).find(([, number]) => number === code)?.[0] ?? null
  }

  private classify(code: number, reason: string | undefined): ExitClass {
    if (!this.spawned) return 'launch-failed'
    const byReason = reason === undefined ? undefined : classByReason[reason]
    if (byReason === 'crash' && code === abortSignal) return 'oom'
    if (byReason !== undefined && byReason !== 'clean') return byReason
    if (this.killed) return 'killed'
    return code === 0 ? 'clean' : 'error'
  }
}

/** One output of a child, to its very last byte: Electron takes all listeners off its stream when the child exits. */
class Output {
  readonly text = new PassThrough()
  private readonly source: Readable | null

  constructor(source: Readable | null) {
    this.source = source
    this.listen()
  }

  /** Resolves when everything was read, or after a while. Call when the child has exited. */
  async drain(): Promise<void> {
    const { source, text } = this
    // Electron removes the listeners right after it told of the exit.
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (source !== null && !source.readableEnded) {
      this.listen()
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, drainMs)
        source.once('end', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    await new Promise<void>((resolve) => {
      text.once('end', resolve)
      text.end()
    })
  }

  private listen(): void {
    const { source, text } = this
    source?.removeAllListeners('data')
    source?.on('data', (chunk: Buffer) => text.write(chunk))
  }
}
