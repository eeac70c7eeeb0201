/**
 * Guest threads for calls of tools, spread over shared processes (spec tools 9). It bounds threads and living instances
 * per process; how many run at once is the gates' business, so nobody waits here but for a thread that is being ended.
 */
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import type { LoadSpec } from '../../../../shared/sandbox/protocol.ts'
import type { Clock } from '../../../clock.ts'
import { launchProcess, type ProcessMeans } from '../../../sandboxes/launch-process.ts'
import { RunnerProcess } from './runner-process.ts'
import { RunnerThread } from './runner-thread.ts'
import { Suspects } from './suspects.ts'

/** Processes that are kept apart from each other before threads are recycled (spec tools 9: at least 2). */
const fewProcesses = 2
/** A thread with as many instances is recycled before another process is begun. */
const wellUsed = 8
/** Idle threads kept warm: in all, and for how long without a call, in milliseconds. */
const mostIdle = 24
const idleMs = 120_000
/** A process without threads is kept for whoever comes next, in milliseconds. */
const emptyMs = 10_000
const trimEveryMs = 5_000
const loadMs = 60_000
/** Threads that begin at once: it is work for the processor, and more at a time makes each later and none earlier. */
const mostStarting = 4

/** What is to be loaded into a thread. */
export interface Runnable {
  /** Artifact and run: threads of another are not used for it. */
  readonly key: string
  readonly digest: string
  readonly spec: LoadSpec
}

export interface RunnerPoolOptions {
  readonly processes: ProcessMeans
  readonly clock: Clock
  /** A process ended that nobody asked to; the component that is quarantined for it, if one is. */
  readonly onLost: (error: ErrorReport, quarantined: string | null) => void
}

export class RunnerPool {
  readonly suspects: Suspects
  private readonly options: RunnerPoolOptions
  private readonly processes = new Set<RunnerProcess>()
  /** By key, the one used last at the end. */
  private readonly idle = new Map<string, RunnerThread[]>()
  private readonly emptySince = new Map<RunnerProcess, number>()
  private readonly leaving = new Set<Promise<void>>()
  private readonly stopTrimming: () => void
  private closed = false
  private starting = 0
  /** Those who wait for a thread to come free or for their turn to begin one. */
  private waiting: (() => void)[] = []

  constructor(options: RunnerPoolOptions) {
    this.options = options
    this.suspects = new Suspects(options.clock)
    this.stopTrimming = options.clock.every(trimEveryMs, () => this.trim())
  }

  get all(): readonly RunnerProcess[] {
    return [...this.processes]
  }

  get threads(): number {
    return this.all.reduce((sum, { threads }) => sum + threads.size, 0)
  }

  get idleThreads(): number {
    return [...this.idle.values()].reduce((sum, threads) => sum + threads.length, 0)
  }

  /**
   * A loaded thread for one call; the taker calls `release` once. `besides` is a process to keep away from. Throws
   * `sandbox.*` when none came up, what the component's load throws, and `tool.quarantined`.
   */
  async acquire(runnable: Runnable, besides?: RunnerProcess): Promise<RunnerThread> {
    const { digest } = runnable
    for (;;) {
      if (this.closed) throw new PaddockError('tool.stopping', 'Tools are being stopped.')
      if (this.suspects.isQuarantined(digest)) {
        throw new PaddockError('tool.quarantined', 'Its component killed the processes it ran in.')
      }
      const warm = this.takeIdle(runnable.key, besides)
      if (warm !== undefined) {
        warm.uses += 1
        return warm
      }
      if (this.starting >= mostStarting) {
        await new Promise<void>((resolve) => this.waiting.push(resolve))
        continue
      }
      const process = this.withRoom(digest, besides)
      if (process !== undefined) return this.begin(process, runnable)
      const recycled = this.mostUsedIdle(this.processes.size < fewProcesses ? wellUsed : 0)
      if (recycled === undefined) return this.begin(this.launch(), runnable)
      this.forgetIdle(recycled)
      await this.destroy(recycled)
    }
  }

  /** Gives a thread back: it waits for the next call, or is ended when it must not be used again. Settles when that is done. */
  async release(thread: RunnerThread, isSound: boolean): Promise<void> {
    thread.detach()
    if (!isSound || this.closed || !thread.isSound) {
      await this.destroy(thread)
      return
    }
    thread.idleSince = this.options.clock.monotonicMs()
    const waiting = this.idle.get(thread.key)
    if (waiting === undefined) this.idle.set(thread.key, [thread])
    else waiting.push(thread)
    this.tellWaiting()
    if (this.idleThreads > mostIdle) {
      const oldest = this.leastRecentIdle()
      if (oldest !== undefined) {
        this.forgetIdle(oldest)
        this.track(this.destroy(oldest))
      }
    }
  }

  /** Ends every thread that waits: memory is short. */
  async recycleIdle(): Promise<void> {
    const threads = [...this.idle.values()].flat()
    this.idle.clear()
    await Promise.all(threads.map((thread) => this.destroy(thread)))
  }

  /** Ends what waits for calls of a tool that is gone. */
  async forget(key: string): Promise<void> {
    const threads = this.idle.get(key) ?? []
    this.idle.delete(key)
    await Promise.all(threads.map((thread) => this.destroy(thread)))
  }

  /** Process ids of the processes that carry threads of the tool. */
  pids(key: string): number[] {
    return this.all
      .filter(({ threads }) => [...threads].some((thread) => thread.key === key))
      .flatMap(({ pid }) => pid ?? [])
  }

  /** Ends all processes; settles when they are gone. */
  async close(): Promise<void> {
    this.closed = true
    this.stopTrimming()
    this.idle.clear()
    this.tellWaiting()
    await Promise.all([...this.all.map((process) => process.abandon()), ...this.leaving])
  }

  private async begin(process: RunnerProcess, runnable: Runnable): Promise<RunnerThread> {
    const { spec, key, digest } = runnable
    const { clock } = this.options
    this.emptySince.delete(process)
    const thread = new RunnerThread(process, spec, key, digest, clock)
    process.threads.add(thread)
    process.allowMemory()
    thread.uses += 1
    this.starting += 1
    const stop = clock.after(loadMs, () =>
      process.kill(new PaddockError('sandbox.start_timeout', `No guest within ${loadMs / 1_000} s.`)),
    )
    try {
      await process.ready
      const result = await thread.load(spec)
      if (!result.ok) throw PaddockError.fromReport(result.error)
    } catch (error) {
      await this.destroy(thread)
      throw error
    } finally {
      stop()
      this.starting -= 1
      this.tellWaiting()
    }
    return thread
  }

  /** In the order in which they came; who finds nothing waits again. */
  private tellWaiting(): void {
    for (const tell of this.waiting.splice(0)) tell()
  }

  private takeIdle(key: string, besides: RunnerProcess | undefined): RunnerThread | undefined {
    const waiting = this.idle.get(key) ?? []
    for (let index = waiting.length - 1; index >= 0; index -= 1) {
      const thread = waiting[index]
      if (thread === undefined) continue
      if (!thread.isSound) {
        waiting.splice(index, 1)
        continue
      }
      if (thread.process === besides || !thread.process.mayInstantiate) continue
      waiting.splice(index, 1)
      if (waiting.length === 0) this.idle.delete(key)
      return thread
    }
    return undefined
  }

  /** The fullest process that has room, so that others empty. */
  private withRoom(digest: string, besides: RunnerProcess | undefined): RunnerProcess | undefined {
    const apart = this.suspects.isSuspected(digest)
    let best: RunnerProcess | undefined
    for (const process of this.processes) {
      if (!process.hasRoom || process === besides) continue
      const sharesWell = apart
        ? process.carriesOnly(digest)
        : [...process.threads].every((thread) => !this.suspects.isSuspected(thread.digest))
      if (sharesWell && (best === undefined || process.threads.size > best.threads.size)) best = process
    }
    return best
  }

  private mostUsedIdle(leastUses: number): RunnerThread | undefined {
    let most: RunnerThread | undefined
    for (const threads of this.idle.values()) {
      for (const thread of threads) {
        if (thread.uses >= leastUses && (most === undefined || thread.uses > most.uses)) most = thread
      }
    }
    return most
  }

  private leastRecentIdle(): RunnerThread | undefined {
    let oldest: RunnerThread | undefined
    for (const threads of this.idle.values()) {
      for (const thread of threads) {
        if (oldest === undefined || thread.idleSince < oldest.idleSince) oldest = thread
      }
    }
    return oldest
  }

  private forgetIdle(thread: RunnerThread): void {
    const others = (this.idle.get(thread.key) ?? []).filter((each) => each !== thread)
    if (others.length === 0) this.idle.delete(thread.key)
    else this.idle.set(thread.key, others)
  }

  private launch(): RunnerProcess {
    const process = new RunnerProcess(
      (handlers) =>
        launchProcess(this.options.processes, 'tools', {
          purpose: 'tools',
          residentLimitBytes: Number.MAX_SAFE_INTEGER,
          shared: true,
          handlers,
        }),
      (each, error) => this.onEnded(each, error),
    )
    if (!process.ended) this.processes.add(process)
    return process
  }

  private async destroy(thread: RunnerThread): Promise<void> {
    await thread.destroy()
    const { process } = thread
    process.allowMemory()
    if (process.threads.size === 0 && this.processes.has(process)) {
      this.emptySince.set(process, this.options.clock.monotonicMs())
    }
  }

  private trim(): void {
    const now = this.options.clock.monotonicMs()
    for (const thread of [...this.idle.values()].flat()) {
      if (now - thread.idleSince < idleMs) continue
      this.forgetIdle(thread)
      this.track(this.destroy(thread))
    }
    for (const [process, since] of this.emptySince) {
      if (now - since < emptyMs) continue
      this.emptySince.delete(process)
      this.processes.delete(process)
      this.track(process.stop())
    }
  }

  private track(work: Promise<void>): void {
    this.leaving.add(work)
    void work.finally(() => this.leaving.delete(work))
  }

  private onEnded(process: RunnerProcess, error: ErrorReport | null): void {
    this.processes.delete(process)
    this.emptySince.delete(process)
    for (const [key, threads] of [...this.idle]) {
      const others = threads.filter((thread) => thread.process !== process)
      if (others.length === 0) this.idle.delete(key)
      else this.idle.set(key, others)
    }
    if (error === null || this.closed) return
    this.options.onLost(error, this.suspects.processDied(process.diedWith))
  }
}
