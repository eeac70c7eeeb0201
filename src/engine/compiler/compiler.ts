/** The engine's side of the compiler: a few processes, started when there is work and gone soon after it. */
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import type { Artifact, CompiledLimits, CompileStage, Inspection } from '../../shared/compiler/protocol.ts'
import { systemClock, type Clock } from '../clock.ts'
import type { Gate } from '../sandboxes/gates/gate.ts'
import { runPatiently } from '../sandboxes/gates/patience.ts'
import type { SandboxLauncher } from '../sandboxes/launcher.ts'
import { artifactKey } from './artifact-cache.ts'
import { CompilerWorker, type CompilerJob, type CompilerResult } from './compiler-worker.ts'
import { SharedWork } from './shared-work.ts'

export interface CompilerOptions {
  readonly launcher: SandboxLauncher
  /** Absolute path of the built compiler-process script. */
  readonly entry: string
  /** Where artifacts are kept; made when needed. */
  readonly cacheDir: string
  /** Bytes of artifacts kept; the ones used longest ago go first. Default 1 GiB. */
  readonly cacheMaxBytes?: number
  /** Processes at once. Default 2. */
  readonly maxConcurrent?: number
  /** Milliseconds after which an idle process is stopped. Default 30,000. */
  readonly idleTimeoutMs?: number
  /** Milliseconds for reading a component. Default 30,000. */
  readonly inspectTimeoutMs?: number
  /** Milliseconds for compiling a component. Default 120,000. */
  readonly compileTimeoutMs?: number
  readonly clock?: Clock
  /** A job takes a permit of it while a process works on it, not while it waits for one (spec tools 9). */
  readonly preparing?: Gate
}

export interface CompileRequest {
  readonly path: string
  /** The digest that `inspect` reported, lower-case hex. */
  readonly expectedSha256: string
  readonly limits: CompiledLimits
}

export interface Compiler {
  /** Reads the component at `path`. Throws `bundle.*`, `component.*` and `compiler.*`. */
  inspect(path: string, signal?: AbortSignal): Promise<Inspection>
  /**
   * The component's artifact, from the cache or made now; callers that want the same share one job, which is called
   * off when all of them are gone. Ask again before each launch: an artifact may be evicted. Throws `bundle.*`,
   * `component.*` and `compiler.*`; `compiler.cancelled` once `signal` is aborted.
   */
  compile(
    request: CompileRequest,
    onProgress?: (stage: CompileStage) => void,
    signal?: AbortSignal,
  ): Promise<Artifact>
  /** Process ids of the compiler's processes, for diagnostics. */
  processIds(): number[]
  /** Calls off all work and resolves once no process is left. */
  dispose(): Promise<void>
}

/** Makes a compiler; no process is started before there is work. */
export function createCompiler(options: CompilerOptions): Compiler {
  return new CompilerPool(options)
}

interface QueuedJob {
  readonly job: CompilerJob
  readonly timeoutMs: number
  readonly onStage: (stage: CompileStage) => void
  readonly resolve: (result: CompilerResult) => void
  readonly reject: (error: unknown) => void
  readonly callOff: AbortController
  worker: CompilerWorker | undefined
}

const cancelled = (): PaddockError =>
  new PaddockError('compiler.cancelled', 'The compilation was called off.')

/** What passes by itself or with another file: neither says that the same component fails again (spec tools 9). */
const passing: readonly ErrorCode[] = [
  'component.digest_mismatch',
  'compiler.cancelled',
  'compiler.crashed',
  'compiler.cache_unwritable',
]

function failsAlways({ code }: PaddockError): boolean {
  return (code.startsWith('component.') || code.startsWith('compiler.')) && !passing.includes(code)
}

class CompilerPool implements Compiler {
  private readonly options: CompilerOptions
  private readonly clock: Clock
  private readonly queue: QueuedJob[] = []
  private readonly busy = new Set<QueuedJob>()
  private readonly idle = new Map<CompilerWorker, () => void>()
  private readonly artifacts: SharedWork<Artifact, CompileStage>
  private starts = 0
  private disposed = false

  constructor(options: CompilerOptions) {
    this.options = options
    this.clock = options.clock ?? systemClock
    this.artifacts = new SharedWork({ clock: this.clock, remembers: failsAlways })
  }

  async inspect(path: string, signal?: AbortSignal): Promise<Inspection> {
    const timeoutMs = this.options.inspectTimeoutMs ?? 30_000
    const result = await this.submit({ kind: 'inspect', path }, timeoutMs, () => undefined, signal)
    if (result.kind !== 'inspected')
      throw new PaddockError('internal.bug', 'The compiler answered another question.')
    return result.inspection
  }

  compile(
    request: CompileRequest,
    onProgress: (stage: CompileStage) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<Artifact> {
    const key = artifactKey(request.expectedSha256, request.limits)
    return this.artifacts.join(
      key,
      (shared, report) => this.compileNow(request, report, shared),
      onProgress,
      signal,
    )
  }

  processIds(): number[] {
    const workers = [...this.idle.keys(), ...[...this.busy].map((item) => item.worker)]
    return workers.flatMap((worker) => worker?.pid ?? [])
  }

  async dispose(): Promise<void> {
    this.disposed = true
    for (const item of this.queue.splice(0)) item.reject(cancelled())
    const workers = [...this.idle.keys(), ...[...this.busy].flatMap((item) => item.worker ?? [])]
    for (const item of this.busy) item.callOff.abort()
    for (const stopTimer of this.idle.values()) stopTimer()
    this.idle.clear()
    await Promise.all(
      workers.map((worker) => {
        worker.stop()
        return worker.whenEnded()
      }),
    )
  }

  private async compileNow(
    { path, expectedSha256, limits }: CompileRequest,
    onStage: (stage: CompileStage) => void,
    signal: AbortSignal,
  ): Promise<Artifact> {
    const { cacheDir, cacheMaxBytes = 1024 ** 3, compileTimeoutMs = 120_000 } = this.options
    const job: CompilerJob = { kind: 'compile', path, expectedSha256, limits, cacheDir, cacheMaxBytes }
    const result = await this.submit(job, compileTimeoutMs, onStage, signal)
    if (result.kind !== 'compiled')
      throw new PaddockError('internal.bug', 'The compiler answered another question.')
    return result.artifact
  }

  private submit(
    job: CompilerJob,
    timeoutMs: number,
    onStage: (stage: CompileStage) => void,
    signal: AbortSignal | undefined,
  ): Promise<CompilerResult> {
    return new Promise((resolve, reject) => {
      if (this.disposed || signal?.aborted === true) {
        reject(cancelled())
        return
      }
      const item: QueuedJob = {
        job,
        timeoutMs,
        onStage,
        callOff: new AbortController(),
        worker: undefined,
        resolve: (result) => {
          signal?.removeEventListener('abort', abort)
          resolve(result)
        },
        reject: (error) => {
          signal?.removeEventListener('abort', abort)
          reject(error instanceof Error ? error : cancelled())
        },
      }
      const abort = (): void => this.cancel(item)
      signal?.addEventListener('abort', abort, { once: true })
      this.queue.push(item)
      this.pump()
    })
  }

  private cancel(item: QueuedJob): void {
    item.callOff.abort()
    const index = this.queue.indexOf(item)
    if (index >= 0) this.queue.splice(index, 1)
    item.worker?.stop()
    item.reject(cancelled())
  }

  private pump(): void {
    while (this.busy.size < (this.options.maxConcurrent ?? 2)) {
      const item = this.queue.shift()
      if (item === undefined) return
      this.busy.add(item)
      void this.run(item)
        .then(item.resolve, item.reject)
        .finally(() => {
          this.busy.delete(item)
          this.pump()
        })
    }
  }

  private run(item: QueuedJob): Promise<CompilerResult> {
    const { preparing } = this.options
    if (preparing === undefined) return this.work(item)
    return runPatiently(preparing, 'compiler', this.clock, item.callOff.signal, () => this.work(item))
  }

  /** Does a job, once more in a new process if the first one crashes. */
  private async work(item: QueuedJob): Promise<CompilerResult> {
    try {
      return await this.attempt(item)
    } catch (thrown) {
      const crashed = thrown instanceof PaddockError && thrown.code === 'compiler.crashed'
      if (!crashed || this.isOff(item)) throw thrown
      return await this.attempt(item)
    }
  }

  private async attempt(item: QueuedJob): Promise<CompilerResult> {
    if (this.isOff(item)) throw cancelled()
    const worker = this.takeWorker()
    item.worker = worker
    try {
      return await worker.run(item.job, item.timeoutMs, item.onStage)
    } finally {
      item.worker = undefined
      this.release(worker)
    }
  }

  private isOff(item: QueuedJob): boolean {
    return item.callOff.signal.aborted || this.disposed
  }

  private takeWorker(): CompilerWorker {
    for (const [worker, stopTimer] of this.idle) {
      stopTimer()
      this.idle.delete(worker)
      if (worker.usable) return worker
    }
    const { launcher, entry } = this.options
    return new CompilerWorker(launcher, entry, `paddock-compiler-${++this.starts}`, this.clock)
  }

  private release(worker: CompilerWorker): void {
    if (!worker.usable) return
    if (this.disposed) {
      worker.stop()
      return
    }
    const stopTimer = this.clock.after(this.options.idleTimeoutMs ?? 30_000, () => {
      this.idle.delete(worker)
      worker.stop()
    })
    this.idle.set(worker, stopTimer)
  }
}
