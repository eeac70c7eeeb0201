/** One compiler process, as the engine sees it: one job at a time. */
import { constants, setPriority } from 'node:os'
import { PaddockError } from '../../shared/errors.ts'
import {
  compilerResponseSchema,
  type CompilerRequest,
  type CompilerResponse,
  type CompileStage,
} from '../../shared/compiler/protocol.ts'
import type { Clock } from '../clock.ts'
import type { LaunchedProcess, ProcessExit, SandboxLauncher } from '../sandboxes/launcher.ts'

/** Lines of output kept for a report of a crash. */
const keptLines = 20

/** The heap cap in MiB: a component of 64 MiB, its parts and their metered copies fit. */
const execArgv = ['--max-old-space-size=1024']

export type CompilerJob = WithoutId<CompilerRequest>
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
export type CompilerResult = Extract<CompilerResponse, { kind: 'inspected' | 'compiled' }>

interface Running {
  readonly id: number
  readonly onStage: (stage: CompileStage) => void
  readonly resolve: (result: CompilerResult) => void
  readonly reject: (error: PaddockError) => void
}

export class CompilerWorker {
  private readonly process: LaunchedProcess
  private readonly clock: Clock
  private readonly output: string[] = []
  private running: Running | undefined
  private nextId = 0
  private ended = false

  constructor(launcher: SandboxLauncher, entry: string, serviceName: string, clock: Clock) {
    this.clock = clock
    this.process = launcher.launch({ entry, serviceName, execArgv })
    yieldToOthers(this.process.pid)
    this.process.onOutput((line) => {
      if (this.output.push(line) > keptLines) this.output.shift()
    })
    this.process.onMessage((message) => this.receive(message))
    this.process.onExit((exit) => this.exited(exit))
  }

  /** Whether it can take another job. */
  get usable(): boolean {
    return !this.ended
  }

  get pid(): number | undefined {
    return this.process.pid
  }

  /**
   * Does one job. Throws what the job throws, `compiler.timeout` after `timeoutMs` milliseconds, `compiler.crashed`
   * if the process ends before it answers, and `compiler.cancelled` if it is stopped.
   */
  async run(
    job: CompilerJob,
    timeoutMs: number,
    onStage: (stage: CompileStage) => void,
  ): Promise<CompilerResult> {
    const id = this.nextId++
    let cancelTimeout = (): void => undefined
    try {
      return await new Promise<CompilerResult>((resolve, reject) => {
        this.running = { id, onStage, resolve, reject }
        cancelTimeout = this.clock.after(timeoutMs, () => {
          this.fail(
            new PaddockError('compiler.timeout', `The component was not compiled within ${timeoutMs} ms.`),
          )
        })
        if (this.ended) this.fail(new PaddockError('compiler.crashed', 'The compiler process has ended.'))
        else this.process.post({ ...job, id })
      })
    } finally {
      cancelTimeout()
      this.running = undefined
    }
  }

  /** Ends the process at once; a job under way fails with `compiler.cancelled`. */
  stop(): void {
    this.fail(new PaddockError('compiler.cancelled', 'The compilation was called off.'))
  }

  /** Resolves once the process is gone. */
  whenEnded(): Promise<void> {
    return new Promise((resolve) => this.process.onExit(() => resolve()))
  }

  /** Whatever the process still does is of no use any more. */
  private fail(error: PaddockError): void {
    this.ended = true
    this.process.kill()
    this.running?.reject(error)
  }

  private receive(message: unknown): void {
    const response = compilerResponseSchema.safeParse(message)
    if (!response.success) {
      this.fail(new PaddockError('compiler.crashed', 'The compiler process sent what it must not.'))
      return
    }
    const { data } = response
    const { running } = this
    if (data.kind === 'ready' || running?.id !== data.id) return
    if (data.kind === 'progress') {
      running.onStage(data.stage)
      return
    }
    if (data.kind !== 'failed') {
      running.resolve(data)
      return
    }
    const { code, message: text, remedy, details } = data.error
    const error = new PaddockError(code, text, { remedy, ...(details === undefined ? {} : { details }) })
    // A panic leaves the transpiler dead in its process, and nobody knows what else.
    if (code === 'compiler.failed') this.fail(error)
    else running.reject(error)
  }

  private exited(exit: ProcessExit): void {
    if (this.ended) return
    const cause = exit.signal ?? (exit.code === null ? exit.class : `code ${exit.code}`)
    this.fail(
      new PaddockError(
        'compiler.crashed',
        `The compiler process ended before it was done (${exit.class}, ${cause}).`,
        {
          details: { class: exit.class, code: exit.code, signal: exit.signal, output: [...this.output] },
        },
      ),
    )
  }
}

/** A compilation can wait for the processor, the events of running modules cannot (issue 3, gates). */
function yieldToOthers(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // The process has gone already, or the system does not let us: it compiles as it is.
  }
}
