/** The actor hosts of one namespace: launched on demand, ended when nobody has been in them for a while. */
import { PaddockError, toErrorReport, type ErrorReport } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import type { Gate } from '../../../sandboxes/gates/gate.ts'
import { runPatiently } from '../../../sandboxes/gates/patience.ts'
import type { Sandbox, SandboxHandlers } from '../../../sandboxes/sandbox.ts'
import { ActorHost } from './actor-host.ts'

/** An empty process is kept this long for whoever comes next. */
const emptyMs = 10_000
/** Ends of processes in a row, with nothing answered between them, that are too many. */
const mostEndsInRow = 5

export interface ActorHostsOptions {
  readonly namespace: string
  readonly clock: Clock
  readonly preparing: Gate
  readonly capacity: number
  readonly memoryCeilingBytes: number
  readonly launch: (handlers: Partial<SandboxHandlers>) => Sandbox
  /** Processes end again and again: the module does not work. */
  readonly onCrashLoop: (error: ErrorReport) => void
  /** A process ended that nobody asked to. */
  readonly onLost: (error: ErrorReport) => void
}

export class ActorHosts {
  private readonly options: ActorHostsOptions
  /** With when it listens. */
  private readonly hosts = new Map<ActorHost, Promise<void>>()
  private readonly emptyTimers = new Map<ActorHost, () => void>()
  private readonly abort = new AbortController()
  private readonly leaving = new Set<Promise<void>>()
  private endsInRow = 0
  /** Processes launched so far, and as many when one last ended. */
  private launches = 0
  private launchesAtEnd = 0

  constructor(options: ActorHostsOptions) {
    this.options = options
  }

  get all(): readonly ActorHost[] {
    return [...this.hosts.keys()]
  }

  /** Whether a process is up that has a place free. */
  get hasRoom(): boolean {
    return this.withRoom() !== undefined
  }

  /**
   * A place in a process, launched when there is none; the taker calls `release` once. Throws `sandbox.*` when it did not
   * come up, and `sandbox.cancelled` once the namespace closes.
   */
  async acquire(): Promise<ActorHost> {
    if (this.abort.signal.aborted) throw new PaddockError('sandbox.cancelled', 'The module is stopping.')
    const host = this.withRoom() ?? this.launch()
    host.take()
    this.emptyTimers.get(host)?.()
    this.emptyTimers.delete(host)
    try {
      await this.hosts.get(host)
      if (host.sandbox?.ended !== false) throw new PaddockError('sandbox.exited', 'The actor host ended.')
    } catch (error) {
      this.release(host)
      throw error
    }
    return host
  }

  /** Does work that prepares a guest, with a permit for it: instantiating many at once helps none of them. */
  prepare<T>(work: () => Promise<T>): Promise<T> {
    const { preparing, namespace, clock } = this.options
    return runPatiently(preparing, namespace, clock, this.abort.signal, work)
  }

  release(host: ActorHost): void {
    host.giveBack()
    if (host.taken > 0 || !this.hosts.has(host)) return
    this.emptyTimers.set(
      host,
      this.options.clock.after(emptyMs, () => {
        this.emptyTimers.delete(host)
        this.endGently(host, 0)
      }),
    )
  }

  /** Something was answered: processes work. */
  noteHealthy(): void {
    this.endsInRow = 0
  }

  /** Ends all processes; settles when they are gone. */
  async close(graceMs: number): Promise<void> {
    this.abort.abort()
    for (const cancel of this.emptyTimers.values()) cancel()
    this.emptyTimers.clear()
    for (const host of this.all) {
      const { sandbox } = host
      if (sandbox === undefined || graceMs > 0) {
        this.endGently(host, graceMs)
        continue
      }
      this.track(new Promise<void>((resolve) => void sandbox.onEnd(() => resolve())))
      sandbox.kill(new PaddockError('sandbox.stopped', 'The module is stopped.'))
    }
    await Promise.all(this.leaving)
  }

  private withRoom(): ActorHost | undefined {
    // The fullest first, so that others empty.
    let best: ActorHost | undefined
    for (const host of this.hosts.keys()) {
      if (host.hasRoom && (best === undefined || host.taken > best.taken)) best = host
    }
    return best
  }

  private launch(): ActorHost {
    const { clock, capacity, memoryCeilingBytes, launch, preparing, namespace } = this.options
    this.launches += 1
    const number = this.launches
    const host = new ActorHost({
      clock,
      capacity,
      memoryCeilingBytes,
      launch,
      onEnded: (each, error) => this.onEnded(each, error, number),
    })
    const ready = runPatiently(preparing, namespace, clock, this.abort.signal, () => host.begin())
    ready.catch(() => this.hosts.delete(host))
    this.hosts.set(host, ready)
    return host
  }

  private endGently(host: ActorHost, graceMs: number): void {
    this.hosts.delete(host)
    if (host.sandbox !== undefined) this.track(host.sandbox.stop(graceMs))
  }

  private track(work: Promise<void>): void {
    this.leaving.add(work)
    void work.finally(() => this.leaving.delete(work))
  }

  private onEnded(host: ActorHost, error: ErrorReport | null, number: number): void {
    this.hosts.delete(host)
    this.emptyTimers.get(host)?.()
    this.emptyTimers.delete(host)
    if (error === null || this.abort.signal.aborted) return
    this.options.onLost(error)
    // Many may end of one cause, such as a machine that stood still: in a row are those launched since the last end.
    if (number <= this.launchesAtEnd) return
    this.launchesAtEnd = this.launches
    this.endsInRow += 1
    if (this.endsInRow >= mostEndsInRow)
      this.options.onCrashLoop(toErrorReport(PaddockError.fromReport(error)))
  }
}
