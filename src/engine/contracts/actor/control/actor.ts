/**
 * One actor under control: woken by work, put to sleep when idle, stopped once per instance, brought back on a higher
 * generation when it was lost (spec actors-sql 11, 16).
 */
import type { ActorAnswer, ActorPayload } from '../../../../shared/contracts/actor.ts'
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import type { ActorRecord } from '../directory/record.ts'
import type { ActorContext } from './actor-context.ts'
import type { ActorControl } from './actor-control.ts'
import { runApart } from './apart.ts'
import { beginningOf, lost, noLosses, running, thresholdOf, type ControlState } from './control-state.ts'
import type { ActorInstance } from './instance.ts'
import { onStopCommand, type InstanceState, type StopCommand } from './instance-state.ts'
import { startInstance, type StartCause } from './start-sequence.ts'
import { stopInstance } from './stop-sequence.ts'
import { ActorTimers } from './timers.ts'
import { WorkQueue } from './work-queue.ts'
import { runWork } from './run-work.ts'
import { closedFault, indeterminateFault, type WorkItem, type WorkOperation } from './work.ts'

export class Actor implements ActorControl {
  readonly id: string
  readonly key: readonly string[]
  readonly context: ActorContext
  readonly queue: WorkQueue
  readonly timers: ActorTimers
  record: ActorRecord | undefined
  state: ControlState = 'sleeping'
  instance: ActorInstance | undefined
  current: WorkItem | undefined
  /** Set by a destroy that came while a sleep was under way. */
  destroyNext = false
  lastRequestAt: number | null = null
  requests = 0
  /** When it came into its state, Unix time; null until it first changes. */
  since: number | null = null
  lastError: { time: number; error: ErrorReport } | null = null
  private attempt = 0
  private losses = noLosses
  private servedSinceStart = false
  private nextCause: StartCause = 'woken'
  private stopping: Promise<void> | undefined
  private closed = false

  constructor(id: string, key: readonly string[], record: ActorRecord | undefined, context: ActorContext) {
    this.id = id
    this.key = key
    this.record = record
    this.context = context
    this.timers = new ActorTimers(context.clock)
    this.queue = new WorkQueue({
      clock: context.clock,
      capacity: context.config.queueRequests,
      waitMs: context.config.waitMs,
      onTwice: () =>
        context.log('error', 'fault', `Work of actor ${id} was counted down twice.`, 'internal.bug'),
    })
  }

  get generation(): number {
    return this.record?.generation ?? 0
  }

  /** Does one piece of work, waking the actor for it. Throws what became of it, and `actor.*` when it is not taken. */
  submit<O extends WorkOperation>(operation: O, payload: ActorPayload<O>): Promise<ActorAnswer<O>> {
    if (this.closed) throw closedFault()
    if (this.record?.state === 'destroying' || this.destroyNext) {
      throw new PaddockError('actor.destroying', 'The actor is being destroyed.')
    }
    this.queue.refuseWhenFull()
    return new Promise((resolve, reject) => {
      const item: WorkItem = {
        operation,
        payload,
        queuedAtMs: this.context.clock.monotonicMs(),
        release: () => undefined,
        cancelTimer: () => undefined,
        abort: new AbortController(),
        settle: (answer) => resolve(answer as ActorAnswer<O>),
        fail: reject,
      }
      this.timers.cancel('idle')
      this.queue.add(item, this.instance)
      if (this.state === 'sleeping') this.wake()
      else this.pump()
    })
  }

  /** Stops the instance, keeps or destroys the actor. Throws what spec 16.7 refuses, and `actor.shutdown_timeout`. */
  async stop(command: StopCommand): Promise<void> {
    const verdict = onStopCommand(this.instanceState(), command)
    switch (verdict.kind) {
      case 'refused':
        throw new PaddockError(
          verdict.code,
          verdict.code === 'actor.not_ready' ? 'The actor is being loaded.' : 'The actor is being destroyed.',
        )
      case 'begin':
        return this.begin(verdict.state, command)
      case 'upgraded':
        if (this.instance !== undefined) this.instance.state = verdict.state
        this.destroyNext = true
        return this.stopping
      case 'after':
        this.destroyNext = true
        return this.stopping
      case 'joined':
        await this.stopping
        if (command === 'destroy' && this.record !== undefined && this.record.state !== 'destroyed') {
          await (this.stopping ??= this.remove().finally(() => this.afterStop()))
        }
    }
  }

  /** Puts it to sleep and does work on it that no instance may see. Throws what that throws, and `actor.*`. */
  async apart<T>(work: (instance: ActorInstance) => Promise<T>): Promise<T> {
    await this.stop('sleep')
    if (this.closed || this.state !== 'sleeping' || this.stopping !== undefined) {
      throw new PaddockError('actor.not_ready', 'The actor is being loaded.')
    }
    this.setState('stop-intent', null)
    const done = runApart(this, ++this.attempt, work)
    this.stopping = done.then(
      () => this.afterStop(),
      () => this.afterStop(),
    )
    return done
  }

  /** Wakes it at this wall-clock time, asleep or not; sleep leaves the timer, destroy takes it away. */
  wakeAt(timeMs: number): void {
    this.timers.set('wake', Math.max(0, timeMs - this.context.clock.now()), () => {
      if (this.state === 'sleeping' && !this.closed) this.start()
    })
  }

  /** The module goes: nothing starts any more, and what waits is told so. */
  close(): void {
    this.closed = true
    this.timers.cancel('deadline', 'idle', 'retry', 'wake')
    this.queue.failAll(closedFault())
  }

  /** For an import: takes a generation that no instance has had. */
  async raiseGeneration(generation: number): Promise<void> {
    if (this.record === undefined) return
    await this.put({ ...this.record, generation })
  }

  async put(record: ActorRecord): Promise<void> {
    this.record = record
    await this.context.directory.put(record)
  }

  /** An instance that is being started may serve now. */
  serve(instance: ActorInstance): void {
    instance.state = 'started'
    instance.gateOpen = true
    this.servedSinceStart = false
    this.losses = running(this.losses, this.context.clock.monotonicMs())
    this.setState('running')
    this.queue.admitHeld(instance.inFlight)
    this.pump()
  }

  /** The thread of an instance is gone, whoever ended it. */
  onInstanceEnded(instance: ActorInstance, error: PaddockError | null): void {
    this.context.hosts.release(instance.host)
    if (this.instance === instance && instance.state === 'started') {
      void this.lose(instance, error ?? closedFault(), true)
    }
  }

  /** The instance serves no more by its own fault or its process's: everything of it goes, what waits stays. */
  async lose(instance: ActorInstance, error: PaddockError, restart: boolean): Promise<void> {
    if (this.instance !== instance || instance.state === 'terminated') return
    instance.state = 'terminated'
    instance.gateOpen = false
    this.timers.cancel('idle')
    this.note(error)
    this.queue.holdAdmitted()
    this.setState('reallocating')
    await instance.end()
    await this.context.owner?.retire(this.id, instance.generation)
    if (this.instance === instance) this.instance = undefined
    this.comeBack(restart, true)
  }

  note(error: PaddockError): void {
    this.lastError = { time: this.context.clock.now(), error: error.toReport() }
    const level = error.code === 'sqlite.remote_fence_mismatch' ? 'error' : 'warn'
    const what = `Actor ${this.id}, generation ${this.generation}`
    this.context.log(level, 'actor_failed', `${what}: ${error.message}`, error.code)
  }

  /** Begins the next piece of work when nothing runs. */
  pump(): void {
    const { instance } = this
    if (this.current !== undefined || this.state !== 'running' || instance?.gateOpen !== true) return
    const item = this.queue.take()
    if (item === undefined) {
      this.armIdle()
      return
    }
    this.current = item
    void runWork(this, instance, item).then((fatal) => {
      if (this.current === item) this.current = undefined
      if (fatal !== null) {
        void this.lose(instance, fatal, fatal.code === 'actor.host_lost')
        return
      }
      this.servedSinceStart = true
      this.pump()
    })
  }

  /** The running work is given up: its caller learns that its outcome is unknown. */
  abandonCurrent(): void {
    const { current } = this
    this.current = undefined
    current?.fail(indeterminateFault(current.operation))
    current?.release()
  }

  setState(
    state: ControlState,
    thresholdMs: number | null = thresholdOf(state, this.context.thresholds),
  ): void {
    if (state !== this.state) this.since = this.context.clock.now()
    this.state = state
    this.timers.cancel('deadline')
    if (thresholdMs === null) return
    const { attempt } = this
    this.timers.set('deadline', thresholdMs, () => void this.miss(attempt))
  }

  isCurrent(attempt: number): boolean {
    return attempt === this.attempt && !this.closed
  }

  private instanceState(): InstanceState {
    if (this.instance !== undefined) return this.instance.state
    return this.state === 'allocating' || this.state === 'starting' ? 'loading' : 'terminated'
  }

  private wake(): void {
    if (this.closed || this.stopping !== undefined || this.state !== 'sleeping' || !this.queue.holds) return
    this.start()
  }

  /** State and deadline stand before anything is sent (spec actors-sql 16.3). */
  private start(): void {
    const attempt = ++this.attempt
    const cause = this.record?.started === true ? this.nextCause : 'created'
    this.nextCause = 'woken'
    this.timers.cancel('retry')
    this.context.figures.starts += 1
    this.setState(beginningOf(this.context.hosts.hasRoom))
    void startInstance(this, attempt, cause).catch((error: unknown) => {
      this.context.log('error', 'fault', `Starting actor ${this.id}: ${String(error)}`, 'internal.bug')
    })
  }

  /** A start that came to nothing. `final` answers what waits with its error; otherwise it is tried again. */
  startFailed(error: PaddockError, final: boolean): void {
    this.note(error)
    this.instance = undefined
    if (final) {
      this.setState('sleeping')
      this.queue.failAll(error)
      return
    }
    // Only a missed threshold waits from the first time on.
    this.comeBack(false, error.code !== 'actor.not_ready')
  }

  private comeBack(restart: boolean, died: boolean): void {
    this.context.figures.losses += 1
    const { losses, retryMs } = lost(this.losses, this.context.clock.monotonicMs())
    this.losses = losses
    this.nextCause = 'restarted'
    if (this.closed) return
    if (!restart && !this.queue.holds) {
      this.setState('sleeping')
      return
    }
    this.setState('reallocating')
    // One that died of what it did comes back at once, unless it does nothing but die.
    const delayMs = died && (this.servedSinceStart || losses.count <= 1) ? 0 : retryMs
    this.servedSinceStart = false
    this.timers.set('retry', delayMs, () => {
      if (!this.closed && this.state === 'reallocating') this.start()
    })
  }

  private async miss(attempt: number): Promise<void> {
    if (attempt !== this.attempt || this.closed) return
    const { state, instance } = this
    this.attempt += 1
    const error = new PaddockError(
      'actor.not_ready',
      `The actor was ${state} for too long and counts as lost.`,
      {
        details: { state },
      },
    )
    if (instance !== undefined) {
      instance.state = 'terminated'
      instance.gateOpen = false
      await instance.end()
    }
    this.startFailed(error, false)
  }

  private begin(state: InstanceState, command: StopCommand): Promise<void> {
    const { instance } = this
    if (instance === undefined) return Promise.resolve()
    instance.state = state
    this.destroyNext = command === 'destroy'
    this.timers.cancel('idle')
    this.setState(command === 'sleep' ? 'sleep-intent' : command === 'stop' ? 'going-away' : 'destroying')
    this.stopping = this.performStop(instance, command).finally(() => this.afterStop())
    return this.stopping
  }

  private async performStop(instance: ActorInstance, command: StopCommand): Promise<void> {
    const inTime = await stopInstance(this, instance, command)
    this.instance = undefined
    if (this.destroyNext) await this.remove()
    if (inTime) return
    throw new PaddockError(
      'actor.shutdown_timeout',
      'The actor did not end what it was doing in time; it was ended.',
    )
  }

  private afterStop(): void {
    this.stopping = undefined
    this.destroyNext = false
    if (this.closed) return
    this.setState('sleeping')
    this.wake()
  }

  /** Takes the files away; the generation stays, so that the next actor of this key has a higher one. */
  private async remove(): Promise<void> {
    this.timers.cancel('wake')
    if (this.record === undefined) return
    this.setState('destroying')
    await this.put({ ...this.record, state: 'destroying' })
    await this.context.owner?.destroy(this.id, this.record.generation)
    await this.context.files.remove(this.id)
    await this.put({ ...this.record, state: 'destroyed', started: false })
    this.lastError = null
  }

  private armIdle(): void {
    const { instance } = this
    if (instance === undefined) return
    this.timers.set('idle', this.context.config.idleMs, () => {
      if (this.state !== 'running' || this.instance !== instance || this.current !== undefined) return
      if (this.queue.size > 0 || instance.inFlight.value > 0) return
      this.stop('sleep').catch((error: unknown) => {
        if (error instanceof PaddockError) this.note(error)
      })
    })
  }
}
