import type { DevnetView } from '../../shared/domain/chain.ts'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import { testEndpoint } from '../chains/endpoint-test.ts'
import { findAnvil } from './anvil-binary.ts'
import { devnetChainId } from './chain.ts'
import { GuardedProcess } from './guarded-process.ts'

const blockTimeSeconds = 2
const readyWithinMs = 20_000
const stopGraceMs = 3_000
const keptLines = 20
/** Seconds between dumps of the chain's state, so that a hard end loses little. */
const stateIntervalSeconds = 30

export interface DevnetOptions {
  /** Folder from which the installed anvil is looked up, normally that of package.json. */
  readonly resolveFrom: string
  /** An anvil to use instead. */
  readonly binary?: string
  /** File that keeps the chain between runs; without it every start begins at block 0. */
  readonly statePath?: string
}

/** The local development chain: a real anvil on 127.0.0.1 with a port of its own. Caller disposes. */
export class Devnet {
  readonly #options: DevnetOptions
  readonly #listeners = new Set<() => void>()
  readonly #output: string[] = []
  #process: GuardedProcess | null = null
  #starting: Promise<DevnetView> | null = null
  #stopping: Promise<void> | null = null
  #state: DevnetView['state'] = 'stopped'
  #url: string | null = null
  #error: ErrorReport | null = null

  constructor(options: DevnetOptions) {
    this.#options = options
  }

  view(): DevnetView {
    return {
      state: this.#state,
      chainId: devnetChainId,
      url: this.#url,
      blockTimeSeconds,
      pid: this.#process?.pid ?? null,
      error: this.#error,
    }
  }

  onDidChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Starts it and waits until it answers. Rejects with PaddockError `devnet.unavailable` or `devnet.failed`. */
  start(): Promise<DevnetView> {
    if (this.#state === 'running') return Promise.resolve(this.view())
    this.#starting ??= this.#start().finally(() => (this.#starting = null))
    return this.#starting
  }

  /** Stops it and waits until it is gone. */
  async stop(): Promise<DevnetView> {
    this.#stopping ??= this.#stop().finally(() => (this.#stopping = null))
    await this.#stopping
    return this.view()
  }

  async dispose(): Promise<void> {
    this.#listeners.clear()
    await this.stop()
  }

  async #start(): Promise<DevnetView> {
    await this.#stopping
    this.#enter('starting', null, null)
    try {
      const binary = this.#options.binary ?? (await findAnvil(this.#options.resolveFrom))
      const url = await this.#launch(binary)
      const test = await testEndpoint({ chainId: devnetChainId, url })
      if (test.error !== null) throw PaddockError.fromReport(test.error)
      if (this.#process === null) throw this.#failure('it ended')
      this.#enter('running', url, null)
      return this.view()
    } catch (thrown) {
      await this.#process?.stop(stopGraceMs)
      const error = toErrorReport(thrown, 'devnet.failed')
      const known = error.code === 'devnet.unavailable' || error.code === 'devnet.failed'
      const report = known ? error : this.#failure(error.message).toReport()
      // A stop that was asked for meanwhile is no failure of the devnet, though this start did fail.
      if (this.#stopping === null) {
        this.#enter(report.code === 'devnet.unavailable' ? 'unavailable' : 'failed', null, report)
      }
      throw PaddockError.fromReport(report)
    }
  }

  /** Resolves with the address as soon as anvil listens. */
  #launch(binary: string): Promise<string> {
    this.#output.length = 0
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failure('it does not begin to listen')), readyWithinMs)
      const started = new GuardedProcess(binary, this.#arguments(), {
        onLine: (line) => {
          this.#keep(line)
          const address = /^Listening on (127\.0\.0\.1:\d+)$/.exec(line.trim())?.[1]
          if (address === undefined) return
          clearTimeout(timer)
          resolve(`ws://${address}`)
        },
        onEnd: (reason) => {
          clearTimeout(timer)
          if (this.#process === started) this.#ended(reason)
          reject(this.#failure(reason))
        },
      })
      this.#process = started
    })
  }

  #arguments(): string[] {
    const args = ['--host', '127.0.0.1', '--port', '0', '--chain-id', devnetChainId]
    args.push('--block-time', String(blockTimeSeconds))
    const { statePath } = this.#options
    if (statePath !== undefined)
      args.push('--state', statePath, '--state-interval', String(stateIntervalSeconds))
    return args
  }

  #ended(reason: string): void {
    this.#process = null
    const wasRunning = this.#state === 'running'
    if (this.#stopping === null && wasRunning) this.#enter('failed', null, this.#failure(reason).toReport())
  }

  async #stop(): Promise<void> {
    // While the program is looked up there is no process yet; its start is waited for.
    if (this.#process === null) await this.#starting?.catch(() => undefined)
    await this.#process?.stop(stopGraceMs)
    this.#enter('stopped', null, null)
  }

  #failure(reason: string): PaddockError {
    const output = this.#output.join('\n')
    const message = `The local devnet failed: ${reason}.${output === '' ? '' : ` Its last output:\n${output}`}`
    return new PaddockError('devnet.failed', message, { details: { output: [...this.#output] } })
  }

  #keep(line: string): void {
    if (line.trim() === '') return
    this.#output.push(line)
    if (this.#output.length > keptLines) this.#output.shift()
  }

  #enter(state: DevnetView['state'], url: string | null, error: ErrorReport | null): void {
    this.#state = state
    this.#url = url
    this.#error = error
    for (const listener of [...this.#listeners]) listener()
  }
}
