/** The threads that scan, so that the broker's own loop never does (spec tools 9). */
import { Worker, type Transferable } from 'node:worker_threads'
import { PaddockError } from '../../../shared/errors.ts'
import type { ScanJob, ScanReply, ScanRequest, ScanResults } from './protocol.ts'
import type { CallScanner, ExactSecret, RequestParts, ScannedResponse, ScrubOptions } from './types.ts'

export interface ScanPoolOptions {
  /** The built script of a scan thread (`leak-scan.cjs`). */
  readonly entry: string | URL
  /** Threads at once. Default 2. */
  readonly threads?: number
}

export interface ScanPool {
  /**
   * Scans for the patterns and these values. Cheap; ask anew after more was leased. Values that were overwritten
   * because their lease ended are no longer found.
   */
  scanner(secrets: readonly ExactSecret[]): CallScanner
  /** Ends the threads; scans under way reject with `tool.broker_lost`. */
  close(): Promise<void>
}

/** Threads start with the first scans, and anew after one was lost. */
export function createScanPool(options: ScanPoolOptions): ScanPool {
  return new ThreadPool(options)
}

const usualThreads = 2

class ThreadPool implements ScanPool {
  private readonly options: ScanPoolOptions
  private readonly threads: ScanThread[] = []
  private isClosed = false

  constructor(options: ScanPoolOptions) {
    this.options = options
  }

  scanner(secrets: readonly ExactSecret[]): CallScanner {
    for (const { value } of secrets) {
      if (value.buffer instanceof SharedArrayBuffer) continue
      throw new PaddockError('internal.bug', 'A value to scan for is not on shared memory.')
    }
    const ask = <Kind extends ScanJob['kind']>(
      job: Extract<ScanJob, { kind: Kind }>,
      transfer: readonly Transferable[] = [],
    ): Promise<ScanResults[Kind]> => this.ask({ job, secrets }, transfer) as Promise<ScanResults[Kind]>
    return {
      checkRequest: (parts: RequestParts) => ask<'request'>({ kind: 'request', parts }),
      redactResponse: (response: ScannedResponse) => {
        const body = ownBytes(response.body)
        return ask<'response'>({ kind: 'response', response: { ...response, body } }, [body.buffer])
      },
      scanOutput: (text: string) => ask<'output'>({ kind: 'output', text }),
      redactText: (text: string) => ask<'text'>({ kind: 'text', text }),
      scrub: (texts: readonly string[], scrubbing: ScrubOptions = {}) =>
        ask<'scrub'>({ kind: 'scrub', texts, options: scrubbing }),
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    await Promise.all(this.threads.splice(0).map((thread) => thread.end()))
  }

  private async ask(request: Omit<ScanRequest, 'id'>, transfer: readonly Transferable[]): Promise<unknown> {
    if (this.isClosed) throw lost()
    return await this.thread().ask(request, transfer)
  }

  /** The one with the least to do. */
  private thread(): ScanThread {
    const living = this.threads.filter(({ isLost }) => !isLost)
    this.threads.splice(0, this.threads.length, ...living)
    const [idlest] = living.sort((a, b) => a.load - b.load)
    if (
      idlest !== undefined &&
      (idlest.load === 0 || living.length >= (this.options.threads ?? usualThreads))
    )
      return idlest
    const thread = new ScanThread(this.options.entry)
    this.threads.push(thread)
    return thread
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: PaddockError) => void
}

class ScanThread {
  isLost = false
  private readonly worker: Worker
  private readonly waiting = new Map<number, Waiting>()
  private nextId = 1

  constructor(entry: string | URL) {
    this.worker = new Worker(entry)
    this.worker.unref()
    this.worker.on('message', (reply: ScanReply) => this.onReply(reply))
    this.worker.on('error', () => this.onLost())
    this.worker.on('exit', () => this.onLost())
  }

  /** Scans that were asked for and not answered. */
  get load(): number {
    return this.waiting.size
  }

  ask(request: Omit<ScanRequest, 'id'>, transfer: readonly Transferable[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++
      this.waiting.set(id, { resolve, reject })
      // Only what waits for an answer keeps the process alive.
      this.worker.ref()
      this.worker.postMessage({ ...request, id }, transfer)
    })
  }

  async end(): Promise<void> {
    this.onLost()
    await this.worker.terminate()
  }

  private onReply(reply: ScanReply): void {
    const waiting = this.waiting.get(reply.id)
    this.waiting.delete(reply.id)
    if (this.waiting.size === 0) this.worker.unref()
    if (reply.ok) waiting?.resolve(reply.result)
    else waiting?.reject(new PaddockError('internal.bug', 'A scan for secrets failed.'))
  }

  private onLost(): void {
    this.isLost = true
    for (const { reject } of this.waiting.values()) reject(lost())
    this.waiting.clear()
  }
}

/** Bytes that may be handed over: a small buffer is part of one that Node shares among many. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes)
}

function lost(): PaddockError {
  return new PaddockError('tool.broker_lost', 'The thread that scans for secrets ended.')
}
