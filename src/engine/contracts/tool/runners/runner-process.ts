/** One process that carries guest threads of tools. */
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import type { Sandbox, SandboxHandlers } from '../../../sandboxes/sandbox.ts'
import type { SandboxThread, ThreadHandlers } from '../../../sandboxes/sandbox-thread.ts'

/** Guest threads of one process at most (spec tools 9). */
export const threadsPerProcess = 32
/** Sum of the instances made by its living threads at most (spec tools 9). */
export const instancesPerProcess = 90
/** What a process takes beside its guests' linear memories, and what each thread's heap takes beside those. */
const processBytes = 512 * 1_048_576
const threadBytes = 48 * 1_048_576

/** A thread as its process sees it. */
export interface CarriedThread {
  /** What is loaded: the artifact and its run. */
  readonly key: string
  /** Whose component it is. */
  readonly digest: string
  readonly memoryBytes: number
  /** Instances that were made in it since it began. */
  readonly uses: number
}

export class RunnerProcess {
  readonly threads = new Set<CarriedThread>()
  /** Settles when it listens. */
  readonly ready: Promise<void>
  private readonly sandbox: Sandbox
  private readonly interrupted = new Set<string>()
  private stopping = false

  constructor(
    launch: (handlers: Partial<SandboxHandlers>) => Sandbox,
    onEnded: (process: RunnerProcess, error: ErrorReport | null) => void,
  ) {
    this.sandbox = launch({})
    this.ready = this.sandbox.ready
    this.sandbox.onEnd(({ error }) => onEnded(this, this.stopping ? null : error))
  }

  get pid(): number | undefined {
    return this.sandbox.pid
  }

  get ended(): boolean {
    return this.sandbox.ended || this.stopping
  }

  /** Instances made by the threads that live. */
  get instances(): number {
    let sum = 0
    // One more than it served, which it makes while nobody waits.
    for (const thread of this.threads) sum += thread.uses + 1
    return sum
  }

  /** Whether one more thread, and an instance in it, may be begun. */
  get hasRoom(): boolean {
    return !this.ended && this.threads.size < threadsPerProcess && this.mayInstantiate
  }

  get mayInstantiate(): boolean {
    return !this.ended && this.instances < instancesPerProcess
  }

  /** Components that ran in it when it ended. */
  get diedWith(): readonly string[] {
    return [...this.interrupted]
  }

  /** A thread is gone, in the middle of its work or not. */
  threadGone(thread: CarriedThread, wasAtWork: boolean): void {
    this.threads.delete(thread)
    if (wasAtWork && this.sandbox.ended) this.interrupted.add(thread.digest)
  }

  /** Whether all of its threads are of this component. */
  carriesOnly(digest: string): boolean {
    return [...this.threads].every((thread) => thread.digest === digest)
  }

  openThread(handlers: ThreadHandlers): SandboxThread {
    return this.sandbox.openThread(handlers)
  }

  /** Sets the memory it may hold by what its threads may. */
  allowMemory(): void {
    let bytes = processBytes
    for (const { memoryBytes } of this.threads) bytes += memoryBytes + threadBytes
    this.sandbox.residentLimitBytes = bytes
  }

  kill(reason: PaddockError): void {
    this.sandbox.kill(reason)
  }

  /** Ends it and everything in it; settles when it is gone. */
  stop(): Promise<void> {
    this.stopping = true
    return this.sandbox.stop(0)
  }

  /** Ends it at once. */
  async abandon(): Promise<void> {
    this.stopping = true
    const ended = new Promise<void>((resolve) => void this.sandbox.onEnd(() => resolve()))
    this.sandbox.kill(new PaddockError('sandbox.stopped', 'Tools are stopped.'))
    await ended
  }
}
