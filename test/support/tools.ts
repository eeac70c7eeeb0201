/** Tools for tests: components opened in the test's own thread, as a guest thread runs them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileComponent, inspectComponent } from '../../src/engine/compiler/compile.ts'
import { executePayload } from '../../src/engine/contracts/tool/declaration.ts'
import { toolTraits } from '../../src/engine/contracts/tool/contract.ts'
import { LogBuffer } from '../../src/sandbox/bridge/log-buffer.ts'
import { createToolProgram } from '../../src/sandbox/contracts/tool/program.ts'
import type { CallHost, GuestProgram } from '../../src/sandbox/programs/guest-program.ts'
import type { ToolAnswer, ToolData } from '../../src/shared/contracts/tool-call.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import type { GuestLogRecord } from '../../src/shared/domain/log.ts'
import type { ErrorReport } from '../../src/shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../src/shared/sandbox/protocol.ts'
import { quietThread } from './quiet-thread.ts'

const mebibyte = 1_048_576
const folders: string[] = []

async function toolFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-tool-'))
  folders.push(folder)
  return folder
}

/** Removes what the tests made. */
export async function removeToolFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}

export interface OpenToolOptions extends Partial<ToolData> {
  readonly memoryBytes?: number
  /** Answers host calls; refuses to be called unless given. */
  readonly callHost?: CallHost
}

/** Compiles as the engine does for tools. Throws what the compiler throws. */
export async function toolArtifact(component: Uint8Array, memoryBytes = 64 * mebibyte): Promise<string> {
  const folder = await toolFolder()
  const path = join(folder, 'tool.wasm')
  await writeFile(path, component)
  const { sha256 } = await inspectComponent(path)
  const { directory } = await compileComponent(
    {
      path,
      expectedSha256: sha256,
      cacheDir: join(folder, 'artifacts'),
      cacheMaxBytes: 1_000_000_000,
      limits: { memoryBytes, initialFuel: 1_000_000_000, ...toolTraits.compiledLimits },
    },
    () => undefined,
  )
  return directory
}

let nextCall = 1

/** A tool's program, called directly. */
export class OpenTool {
  readonly program: GuestProgram
  private readonly log: LogBuffer
  readonly lines: GuestLogRecord[]
  readonly drops: { count: number }

  constructor(program: GuestProgram, log: LogBuffer, lines: GuestLogRecord[], drops: { count: number }) {
    this.program = program
    this.log = log
    this.lines = lines
    this.drops = drops
  }

  /** Runs `execute` whatever becomes of it; prepares the next instance as an idle thread does. */
  attempt(params: unknown, deadlineMs = 30_000, operation = 'probe'): CallOutcome {
    const text = typeof params === 'string' ? params : JSON.stringify(params)
    const outcome = this.program.run(
      callOf('execute', executePayload(operation, text), deadlineMs),
      () => undefined,
    )
    // The end of a call sends what waits.
    this.log.flush()
    if (outcome.status === 'ok') this.program.afterReply?.(() => true)
    return outcome
  }

  answer(params: unknown): ToolAnswer {
    const outcome = this.attempt(params)
    if (outcome.status !== 'ok') throw new Error(`the call ${outcome.status}: ${JSON.stringify(outcome)}`)
    return outcome.value as ToolAnswer
  }

  /** The parsed output of a call that succeeds. */
  output(params: unknown): unknown {
    const answer = this.answer(params)
    if (answer.tag !== 'response' || answer.response.tag !== 'success')
      throw new Error(JSON.stringify(answer))
    return JSON.parse(answer.response.output)
  }

  /** Why the call failed. */
  failure(params: unknown, deadlineMs?: number): ErrorReport {
    const outcome = this.attempt(params, deadlineMs)
    if (outcome.status !== 'failed') throw new Error(`the call ${JSON.stringify(outcome)}`)
    return outcome.error
  }

  describe(): CallOutcome {
    return this.program.run(callOf('describe', null, 5_000), () => undefined)
  }
}

function callOf(operation: string, payload: unknown, deadlineMs: number): GuestCall {
  return { id: nextCall++, sequence: 0, operation, payload, cursor: null, fuel: 1, deadlineMs, context: {} }
}

/** Loads the artifact in `directory`. */
export async function openArtifact(directory: string, options: OpenToolOptions = {}): Promise<OpenTool> {
  const { memoryBytes = 64 * mebibyte, callHost, ...data } = options
  const lines: GuestLogRecord[] = []
  const drops = { count: 0 }
  const log = new LogBuffer({
    minLevel: 'trace',
    send: ({ records, dropped }) => {
      lines.push(...records)
      drops.count += dropped
    },
  })
  const program = await createToolProgram({
    spec: {
      module: 'tool',
      run: 1,
      contract: 'tool',
      artifactDirectory: directory,
      storePath: null,
      durability: 'event',
      limits: { ...defaultLimits, memoryBytes },
      capabilities: {},
      logLevel: 'trace',
      contractData: {
        schema: null,
        inputBytes: mebibyte,
        outputBytes: mebibyte,
        prepareNext: true,
        ...data,
      } satisfies ToolData,
    },
    log,
    linkage: () => 'provided',
    callHost:
      callHost ??
      (() => {
        throw new Error('the tool calls no host in this test')
      }),
    ...quietThread,
  })
  return new OpenTool(program, log, lines, drops)
}

/** Compiles and loads. */
export async function openTool(component: Uint8Array, options: OpenToolOptions = {}): Promise<OpenTool> {
  return openArtifact(await toolArtifact(component, options.memoryBytes), options)
}
