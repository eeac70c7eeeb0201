/** One process that carries several actors of one namespace (spec actors-sql 1, 2). */
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import type { Sandbox, SandboxHandlers } from '../../../sandboxes/sandbox.ts'
import type { SandboxThread, ThreadHandlers } from '../../../sandboxes/sandbox-thread.ts'

/** A thread that was told to end has this long; a statement holds it up, and only the end of the process ends that. */
export const endThreadMs = 250

export interface ActorHostOptions {
  readonly clock: Clock
  readonly capacity: number
  /** Above what the process takes without any actor, in bytes. */
  readonly memoryCeilingBytes: number
  readonly launch: (handlers: Partial<SandboxHandlers>) => Sandbox
  /** The process is gone: null after an orderly stop. */
  readonly onEnded: (host: ActorHost, error: ErrorReport | null) => void
}

export class ActorHost {
  /** Set once the process has been started. */
  sandbox: Sandbox | undefined
  private readonly options: ActorHostOptions
  private places = 0
  private baselineBytes: number | undefined
  residentBytes = 0

  constructor(options: ActorHostOptions) {
    this.options = options
  }

  get pid(): number | undefined {
    return this.sandbox?.pid
  }

  /** Starts the process; settles when it listens. Rejects with `sandbox.*`. */
  begin(): Promise<void> {
    const { launch, onEnded } = this.options
    const sandbox = launch({
      onProcess: ({ residentBytes }) => this.onResident(sandbox, residentBytes),
    })
    this.sandbox = sandbox
    sandbox.onEnd(({ error }) => onEnded(this, error))
    return sandbox.ready
  }

  /** Places taken; kept from the moment one is promised, so that a process under way is not overbooked. */
  get taken(): number {
    return this.places
  }

  get hasRoom(): boolean {
    return this.places < this.options.capacity && this.sandbox?.ended !== true
  }

  take(): void {
    this.places += 1
  }

  giveBack(): void {
    if (this.places === 0) throw new PaddockError('internal.bug', 'A place in an actor host came back twice.')
    this.places -= 1
  }

  openThread(handlers: ThreadHandlers): SandboxThread {
    if (this.sandbox === undefined) throw new PaddockError('internal.bug', 'The actor host was not begun.')
    return this.sandbox.openThread(handlers)
  }

  /** Ends the process unless the thread is gone within 250 ms (spec actors-sql 10). Answers the cancellation. */
  killUnlessEnded(thread: SandboxThread, reason: PaddockError): () => void {
    return this.options.clock.after(endThreadMs, () => {
      if (!thread.ended) this.sandbox?.kill(reason)
    })
  }

  private onResident(sandbox: Sandbox, bytes: number): void {
    this.residentBytes = bytes
    if (this.baselineBytes !== undefined) return
    this.baselineBytes = bytes
    sandbox.residentLimitBytes = bytes + this.options.memoryCeilingBytes
  }
}
