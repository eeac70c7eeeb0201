/**
 * Tools that are ready to run: an artifact and what the component says of itself, by content (spec tools 8, 9, 11). One
 * preparation per key at a time, under a permit of its own gate; idle entries are evicted, the one used longest ago first.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import {
  toolDataSchema,
  toolDescribeMs,
  toolDescriptionSchema,
} from '../../../../shared/contracts/tool-call.ts'
import type { ToolMetadata } from '../../../../shared/contracts/tool.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { LoadSpec } from '../../../../shared/sandbox/protocol.ts'
import { writeFileAtomically } from '../../../atomic-file.ts'
import type { Clock } from '../../../clock.ts'
import { refused } from '../../../sandboxes/sandbox-replies.ts'
import type { Gate } from '../../../sandboxes/gates/gate.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { SingleFlight } from './single-flight.ts'
import type { Tool } from './tool.ts'

/** Entries kept in memory (spec tools 11). */
export const preparedKept = 64

export interface PreparedTool {
  readonly key: string
  readonly metadata: ToolMetadata
  /** The load message of its threads. */
  readonly spec: LoadSpec
  /** Calls that use it now: it is not evicted under them. */
  pins: number
}

export interface PreparedToolsOptions {
  readonly clock: Clock
  readonly gate: Gate
  readonly pool: RunnerPool
  /** Where descriptions are kept beside artifacts, by the same names. */
  readonly directory: string
}

export class PreparedTools {
  /** Preparations that were begun since the engine started, and how many of them asked a component. */
  begun = 0
  described = 0
  private readonly options: PreparedToolsOptions
  /** The one used last at the end. */
  private readonly entries = new Map<string, PreparedTool>()
  private readonly flights: SingleFlight<PreparedTool>

  constructor(options: PreparedToolsOptions) {
    this.options = options
    this.flights = new SingleFlight(options.clock, isLasting)
  }

  get size(): number {
    return this.entries.size
  }

  /** What is ready now. */
  get(key: string): PreparedTool | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    this.entries.delete(key)
    this.entries.set(key, entry)
    return entry
  }

  /** Prepares the tool, or joins who does. Throws `gate.busy`, `sandbox.*`, `tool.*`, `compiler.*`, `component.*`. */
  async prepare(tool: Tool, signal: AbortSignal): Promise<PreparedTool> {
    return this.get(tool.key) ?? this.flights.join(tool.key, () => this.work(tool), signal)
  }

  /** The tool is gone or of another version: what runs finishes on what it has. */
  remove(key: string): void {
    this.entries.delete(key)
    this.flights.forget(key)
  }

  private async work(tool: Tool): Promise<PreparedTool> {
    this.begun += 1
    const { gate } = this.options
    await gate.take(tool.module)
    try {
      const directory = await tool.compile()
      const metadata = (await this.readKept(tool.key)) ?? (await this.ask(tool, directory))
      const entry: PreparedTool = {
        key: tool.key,
        metadata,
        spec: specOf(tool, directory, metadata.schema),
        pins: 0,
      }
      this.entries.set(tool.key, entry)
      this.evict()
      return entry
    } finally {
      gate.giveBack()
    }
  }

  private evict(): void {
    for (const [key, { pins }] of this.entries) {
      if (this.entries.size <= preparedKept) return
      if (pins > 0) continue
      this.entries.delete(key)
      void this.options.pool.forget(key)
    }
  }

  /** Asks the component, in an instance to which everything is denied. */
  private async ask(tool: Tool, directory: string): Promise<ToolMetadata> {
    this.described += 1
    const { pool } = this.options
    const spec = specOf(tool, directory, null)
    const thread = await pool.acquire({ key: `${tool.key} described`, digest: tool.key, spec })
    try {
      const reply = await thread.run(
        { operation: 'describe', payload: null, fuel: spec.limits.fuelPerCall, deadlineMs: toolDescribeMs },
        { onHostCall: (call) => Promise.resolve(refused(call)), onLogs: () => undefined },
      )
      const { outcome } = reply
      if (outcome.status === 'failed') throw PaddockError.fromReport(outcome.error)
      const parsed = outcome.status === 'ok' ? toolDescriptionSchema.safeParse(outcome.value) : undefined
      if (parsed?.success !== true) throw new PaddockError('internal.bug', 'A tool was not described.')
      await this.keep(tool.key, parsed.data)
      return parsed.data
    } finally {
      // It was loaded without the schema that its calls are checked by.
      await pool.release(thread, false)
    }
  }

  private async readKept(key: string): Promise<ToolMetadata | undefined> {
    const text = await readFile(this.file(key), 'utf8').catch(() => undefined)
    if (text === undefined) return undefined
    try {
      return toolDescriptionSchema.parse(JSON.parse(text))
    } catch {
      await rm(this.file(key), { force: true }).catch(() => undefined)
      return undefined
    }
  }

  /** A description that cannot be kept is asked for anew after the next start. */
  private async keep(key: string, metadata: ToolMetadata): Promise<void> {
    await mkdir(this.options.directory, { recursive: true, mode: 0o700 })
      .then(() => writeFileAtomically(this.file(key), JSON.stringify(metadata)))
      .catch(() => undefined)
  }

  private file(key: string): string {
    return path.join(this.options.directory, `${key}.json`)
  }
}

function specOf(tool: Tool, directory: string, schema: string | null): LoadSpec {
  const { inputBytes, outputBytes } = tool.declaration.limits
  return {
    ...tool.spec,
    artifactDirectory: directory,
    storePath: null,
    contractData: toolDataSchema.parse({ schema, inputBytes, outputBytes, prepareNext: schema !== null }),
  }
}

/** What trying again at once would only meet again; a busy gate or a lost process is none of it. */
function isLasting(error: PaddockError): boolean {
  const group = error.code.split('.')[0]
  return (
    error.code !== 'tool.no_memory' && error.code !== 'tool.stopping' && group !== 'gate' && !isLoss(error)
  )
}

function isLoss({ code }: PaddockError): boolean {
  return (
    code === 'sandbox.cancelled' ||
    code === 'sandbox.exited' ||
    code === 'sandbox.stopped' ||
    code === 'sandbox.unresponsive' ||
    code === 'sandbox.start_timeout' ||
    code === 'compiler.cancelled'
  )
}
