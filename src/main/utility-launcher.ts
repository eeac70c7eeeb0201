/** `SandboxLauncher` over Electron's `utilityProcess`. The fork twin is in src/engine/sandboxes. */
import type { Readable } from 'node:stream'
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

export class UtilityLauncher implements SandboxLauncher {
  private readonly reasons = new Map<string, string>()

  constructor() {
    app.on('child-process-gone', (_event, details) => {
      if (details.serviceName !== undefined) this.reasons.set(details.serviceName, details.reason)
    })
  }

  launch(options: LaunchOptions): LaunchedProcess {
    const child = utilityProcess.fork(options.entry, [...(options.args ?? [])], {
      serviceName: options.serviceName,
      env: childEnvironment(process.env),
      execArgv: [...(options.execArgv ?? [])],
      stdio: 'pipe',
    })
    return new UtilityChild(child, () => {
      const reason = this.reasons.get(options.serviceName)
      this.reasons.delete(options.serviceName)
      return reason
    })
  }
}

class UtilityChild implements LaunchedProcess {
  private readonly child: UtilityProcess
  private readonly takeReason: () => string | undefined
  private readonly exitListeners = new Set<(exit: ProcessExit) => void>()
  private exit: ProcessExit | undefined
  private exiting = false
  private spawned = false
  private killed = false

  constructor(child: UtilityProcess, takeReason: () => string | undefined) {
    this.child = child
    this.takeReason = takeReason
    child.once('spawn', () => {
      this.spawned = true
      if (this.killed) this.signalKill()
    })
    child.once('exit', (code) => this.onProcessExit(code))
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

  onOutput(listener: (line: string, stream: 'stdout' | 'stderr') => void): () => void {
    const stops = [
      splitLines(this.child.stdout as Readable | null, (line) => listener(line, 'stdout')),
      splitLines(this.child.stderr as Readable | null, (line) => listener(line, 'stderr')),
    ]
    return () => stops.forEach((stop) => stop())
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

  private onProcessExit(code: number): void {
    this.exiting = true
    setTimeout(() => {
      const reason = this.takeReason()
      this.exit = { class: this.classify(code, reason), code, signal: this.killed ? 'SIGKILL' : null }
      for (const listener of this.exitListeners) listener(this.exit)
      this.exitListeners.clear()
    }, joinMs)
  }

  private classify(code: number, reason: string | undefined): ExitClass {
    if (!this.spawned) return 'launch-failed'
    const byReason = reason === undefined ? undefined : classByReason[reason]
    if (byReason !== undefined && byReason !== 'clean') return byReason
    if (this.killed) return 'killed'
    return code === 0 ? 'clean' : 'error'
  }
}
