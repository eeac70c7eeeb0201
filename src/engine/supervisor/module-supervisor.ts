/**
 * Runs one module: feeds the lifecycle machine and carries out what it asks for. Contract-agnostic:
 * what a module does once it is loaded is its contract session's business.
 */
import type { ModuleStatus, Quarantine } from '../../shared/domain/module.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { LoadSpec } from '../../shared/sandbox/protocol.ts'
import type { ContractSession, InitOutcome, LoadedStore } from '../contracts/session.ts'
import { runPatiently } from '../sandboxes/gates/patience.ts'
import type { Sandbox } from '../sandboxes/sandbox.ts'
import { FailureHistory } from './failure-history.ts'
import { launchRun } from './launch-run.ts'
import { narrate } from './narrate.ts'
import { isRejection } from './rejections.ts'
import {
  initialLifecycle,
  step,
  type LifecycleEffect,
  type LifecycleEvent,
  type LifecyclePhase,
  type LifecycleState,
} from './lifecycle.ts'
import { isSettled, statusOf } from './status.ts'
import type { Blueprint, SupervisorOptions } from './supervisor-options.ts'

/** Time a running call gets when the module is stopped (style 4: ask, 5 s, then kill). */
const stopGraceMs = 5_000

export class ModuleSupervisor {
  private readonly options: SupervisorOptions
  private state: LifecycleState = initialLifecycle
  private since: number
  private restartAt = 0
  private blueprint: Blueprint | undefined
  /** What ran before a reload, until the new version has proved that it initialises. */
  private previous: Blueprint | undefined
  private session: ContractSession | undefined
  /** The session is of the version before; the next run's begins with what it leaves. */
  private sessionIsOutdated = false
  private sandbox: Sandbox | undefined
  /** Settles when the sandbox before is gone: two must never hold one store. */
  private predecessorGone: Promise<void> = Promise.resolve()
  private loadedStore: LoadedStore | undefined
  /** What the session of a contract with processes of its own is to run. */
  private ownSpec: LoadSpec | undefined
  private cancelTimer: () => void = () => undefined
  private abort = new AbortController()
  /** The sandbox that is being stopped. */
  private leaving: Sandbox | undefined
  private readonly failures = new FailureHistory()
  private readonly waiters = new Set<() => void>()

  constructor(options: SupervisorOptions) {
    this.options = options
    this.since = options.clock.now()
    if (options.remembered === undefined) return
    this.state = this.failures.restore(options.remembered)
    this.since = this.failures.quarantine?.since ?? this.since
  }

  get phase(): LifecyclePhase {
    return this.state.phase
  }

  /** The phase after something was awaited, which the type checker would take for unchanged. */
  private phaseNow(): LifecyclePhase {
    return this.state.phase
  }

  get run(): number {
    return this.state.run
  }

  /** Failures since the last committed event. */
  get consecutiveFailures(): number {
    return this.state.consecutiveFailures
  }

  get restarts(): number {
    return this.failures.restarts
  }

  get pid(): number | null {
    return (this.sandbox ?? this.leaving)?.pid ?? this.session?.processes?.pids[0] ?? null
  }

  get queued(): number {
    return this.session?.queued ?? 0
  }

  get lastError(): { time: number; error: ErrorReport } | null {
    return this.failures.lastError
  }

  /** Set while the module is dead by too many failures. */
  get quarantine(): Quarantine | null {
    return this.failures.quarantine
  }

  get status(): ModuleStatus {
    return statusOf(this.state, this.since, this.restartAt)
  }

  /** Starts a stopped or dead module; counters are cleared. Settles when it runs, waits, or died. */
  async start(): Promise<void> {
    this.send({ type: 'start' })
    await this.settled()
  }

  /** Starts a stopped module as the engine starts: no failure is forgotten, a quarantined one stays down. */
  async resume(): Promise<void> {
    this.send({ type: 'resume' })
    await this.settled()
  }

  /** Stops it: the running call may finish; ends a quarantine. Settles when the sandbox is gone. */
  async stop(): Promise<void> {
    if (this.failures.release()) this.rememberNow()
    await this.halt()
  }

  private async halt(): Promise<void> {
    this.send({ type: 'stop' })
    await this.settled()
  }

  async restart(): Promise<void> {
    this.send({ type: 'restart' })
    await this.settled()
  }

  /**
   * Puts a new version in place of the running one; state and waiting events stay. If the new
   * version is rejected while it initialises, the old one is put back and the error thrown.
   */
  async replace(next: Blueprint): Promise<void> {
    this.previous = this.blueprint
    this.useBlueprint(next)
    const { name } = this.state.phase
    if (name === 'stopped' || name === 'dead') return
    await this.restart()
    const phase = this.phaseNow()
    const previous = this.previous
    this.previous = undefined
    if (previous === undefined) return
    // One that still initialises waits for a budget, which is no fault of the new version.
    if (phase.name === 'running' || phase.name === 'stopped' || phase.name === 'initialising') return
    const error = phase.name === 'dead' || phase.name === 'restarting' ? phase.error : undefined
    this.useBlueprint(previous)
    await this.restart()
    throw error === undefined
      ? new PaddockError('internal.bug', `The new version of ${this.options.name} did not start.`)
      : PaddockError.fromReport(error)
  }

  /** Says how capabilities are linked now; a sandbox that is launched later learns it from its `LoadSpec`. */
  link(capabilities: LoadSpec['capabilities']): void {
    this.sandbox?.link(capabilities)
  }

  /** Stops it for good and forgets its session. */
  async dispose(): Promise<void> {
    await this.halt()
    this.session?.close()
    this.session = undefined
  }

  private useBlueprint(blueprint: Blueprint): void {
    // The session of the version before goes on collecting until it hands over.
    this.sessionIsOutdated = true
    this.blueprint = blueprint
    this.state = { ...this.state, resolved: true }
  }

  private send(event: LifecycleEvent): void {
    const { clock, random, policy } = this.options
    const before = this.state
    const { state, effects } = step(before, event, clock.now(), random, policy())
    this.state = state
    if (state.phase !== before.phase) this.onPhase(before.phase, state.phase)
    for (const effect of effects) this.carryOut(effect)
    if (
      before.failureTimes !== state.failureTimes ||
      before.consecutiveFailures !== state.consecutiveFailures
    ) {
      this.rememberNow()
    }
    if (state !== before) this.options.onChange()
    if (isSettled(state.phase)) this.wakeWaiters()
  }

  private wakeWaiters(): void {
    for (const wake of this.waiters) wake()
    this.waiters.clear()
  }

  private rememberNow(): void {
    this.options.remember?.(this.failures.record(this.state))
  }

  private onPhase(before: LifecyclePhase, phase: LifecyclePhase): void {
    const { name, clock, onEvent } = this.options
    this.since = clock.now()
    this.failures.enter(this.state, this.since)
    if (phase.name === 'restarting') this.restartAt = this.since + phase.delayMs
    if (phase.name === 'dead' || phase.name === 'stopped') this.session?.close()
    for (const { level, event, message, error } of narrate(name, before, phase, this.state.run)) {
      onEvent(level, event, message, error)
    }
  }

  private carryOut(effect: LifecycleEffect): void {
    switch (effect.do) {
      case 'resolve':
        void this.doResolve(this.state.attempt)
        return
      case 'launch':
        void this.doLaunch(this.state.attempt)
        return
      case 'initialise':
        void this.doInitialise(this.state.attempt)
        return
      case 'open-sources':
        if (this.sandbox !== undefined) this.session?.open(this.sandbox, this.state.run)
        return
      case 'wind-down':
        void this.doWindDown(this.state.attempt)
        return
      case 'kill':
        this.killSandbox()
        return
      case 'schedule-restart': {
        const { attempt } = this.state
        this.cancelTimer = this.options.clock.after(effect.delayMs, () =>
          this.send({ type: 'timer-due', attempt }),
        )
        return
      }
      case 'cancel-timer':
        this.cancelTimer()
        return
    }
  }

  private async doResolve(attempt: number): Promise<void> {
    try {
      const blueprint = await this.options.resolve()
      if (attempt !== this.state.attempt) return
      this.useBlueprint(blueprint)
      this.send({ type: 'resolved', attempt })
    } catch (error) {
      this.send({ type: 'rejected', attempt, error: toErrorReport(error) })
    }
  }

  private async doLaunch(attempt: number): Promise<void> {
    const { blueprint } = this
    if (blueprint === undefined) {
      this.send({
        type: 'rejected',
        attempt,
        error: new PaddockError('internal.bug', 'Launched before resolved.').toReport(),
      })
      return
    }
    try {
      const artifactDirectory = await blueprint.compile(this.abort.signal)
      await this.predecessorGone
      if (attempt !== this.state.attempt) return
      if (blueprint.bringsProcesses) {
        this.ownSpec = blueprint.loadSpec(this.state.run, artifactDirectory)
        this.send({ type: 'loaded', attempt })
        return
      }
      const { preparing, name, clock } = this.options
      const result = await runPatiently(preparing, name, clock, this.abort.signal, async () => {
        if (attempt !== this.state.attempt) return undefined
        const spec = blueprint.loadSpec(this.state.run, artifactDirectory)
        const sandbox = this.launchSandbox(attempt, spec.limits.memoryBytes)
        await sandbox.ready
        return sandbox.load(spec)
      })
      if (result === undefined || attempt !== this.state.attempt) return
      if (!result.ok) throw PaddockError.fromReport(result.error)
      for (const warning of result.warnings)
        this.options.onEvent('warn', 'store_warning', warning.message, warning)
      this.options.onLoaded(result.memoryBytes, result.storeBytes)
      this.loadedStore = result
      this.send({ type: 'loaded', attempt })
    } catch (error) {
      this.reportFault(attempt, toErrorReport(error))
    }
  }

  private launchSandbox(attempt: number, memoryBytes: number): Sandbox {
    const { options } = this
    const sandbox = launchRun(options, this.state.run, memoryBytes)
    this.sandbox = sandbox
    sandbox.onEnd((end) => {
      if (end.error === null) return
      if (attempt === this.state.attempt)
        options.onEvent('debug', 'sandbox_ended', end.error.message, end.error)
      this.send({ type: 'failed', attempt, error: end.error })
    })
    return sandbox
  }

  private currentSession(blueprint: Blueprint): ContractSession {
    if (this.session !== undefined && !this.sessionIsOutdated) return this.session
    const session = blueprint.createSession(
      {
        onFailed: (error) => this.send({ type: 'failed', attempt: this.state.attempt, error }),
        onWaiting: () => this.wakeWaiters(),
        onHealthy: () => this.send({ type: 'proved-healthy', attempt: this.state.attempt }),
      },
      this.session,
    )
    this.session = session
    this.sessionIsOutdated = false
    return session
  }

  private async doInitialise(attempt: number): Promise<void> {
    const outcome = await this.initialiseSession().catch((error: unknown): InitOutcome => {
      // A session that cannot be made, by its configuration or by our fault, will not be made next time either.
      return { kind: 'rejected', error: toErrorReport(error) }
    })
    if (outcome === undefined) return
    this.send(
      outcome.kind === 'ok'
        ? { type: 'initialised', attempt }
        : { type: outcome.kind, attempt, error: outcome.error },
    )
  }

  private async initialiseSession(): Promise<InitOutcome | undefined> {
    const { sandbox, blueprint, loadedStore, ownSpec } = this
    if (blueprint === undefined) return undefined
    if (blueprint.bringsProcesses) {
      if (ownSpec === undefined) return undefined
      return this.currentSession(blueprint).processes?.start(ownSpec, this.state.run)
    }
    if (sandbox === undefined || loadedStore === undefined) return undefined
    return this.currentSession(blueprint).initialise(sandbox, loadedStore, this.state.run)
  }

  private async doWindDown(attempt: number): Promise<void> {
    this.abort.abort()
    this.abort = new AbortController()
    // Its process lives on until the running call has ended, and so do the host calls of that (spec nexum-host 11).
    const leaving = this.releaseSandbox()
    this.leaving = leaving
    await Promise.all([leaving?.stop(stopGraceMs), this.session?.processes?.stop(stopGraceMs)])
    if (this.leaving === leaving) this.leaving = undefined
    this.send({ type: 'wound-down', attempt })
  }

  private killSandbox(): void {
    const sandbox = this.releaseSandbox()
    const { processes } = this.session ?? {}
    if (processes !== undefined) this.predecessorGone = processes.stop(0)
    if (sandbox === undefined) return
    this.predecessorGone = new Promise((resolve) => void sandbox.onEnd(() => resolve()))
    sandbox.kill(new PaddockError('sandbox.stopped', 'The sandbox was replaced.'))
  }

  private releaseSandbox(): Sandbox | undefined {
    const { sandbox } = this
    this.session?.detach()
    this.sandbox = undefined
    return sandbox
  }

  private reportFault(attempt: number, error: ErrorReport): void {
    this.send({ type: isRejection(error.code) ? 'rejected' : 'failed', attempt, error })
  }

  private settled(): Promise<void> {
    if (isSettled(this.state.phase)) return Promise.resolve()
    return new Promise((resolve) => this.waiters.add(resolve))
  }
}
