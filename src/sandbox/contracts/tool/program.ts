/** A tool on its guest thread: compiled once, a fresh instance for every call (spec tools 8). */
import type { z } from 'zod'
import { toolExecuteSchema, type ToolMetadata, type ToolResponse } from '../../../shared/contracts/tool.ts'
import {
  maxGuestMessageBytes,
  maxToolDescriptionBytes,
  maxToolSchemaBytes,
  toolDataSchema,
  type ToolAnswer,
  type ToolData,
} from '../../../shared/contracts/tool-call.ts'
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../../shared/sandbox/protocol.ts'
import { cutBetweenWords } from '../../../shared/text.ts'
import { loadArtifact, type LoadedArtifact } from '../../loading/artifact.ts'
import type { GuestProgram, ProgramContext } from '../../programs/guest-program.ts'
import { CallCounts } from '../call-counts.ts'
import { ActiveCall } from './active-call.ts'
import { faultReport, instantiationReport } from './faults.ts'
import { InstantiationFault, ToolInstance } from './instance.ts'
import type { GuestResponse } from './interfaces.ts'
import { ParamsCheck } from './params-check.ts'

/** Loads the artifact of a tool. Throws `sandbox.*`. */
export async function createToolProgram(context: ProgramContext): Promise<GuestProgram> {
  const data = checked(toolDataSchema, context.spec.contractData)
  return new ToolProgram(context, data, await loadArtifact(context.spec.artifactDirectory))
}

class ToolProgram implements GuestProgram {
  readonly progress = { lastSequence: -1, cursors: {} }
  readonly warnings: readonly PaddockError[] = []
  readonly counts = new CallCounts()
  readonly writes = 0
  readonly storeBytes = 0
  usedFuel: number | null = null
  memoryBytes = 0
  private readonly context: ProgramContext
  private readonly data: ToolData
  private readonly artifact: LoadedArtifact
  private readonly paramsCheck: ParamsCheck
  private next: ToolInstance | undefined

  constructor(context: ProgramContext, data: ToolData, artifact: LoadedArtifact) {
    this.context = context
    this.data = data
    this.artifact = artifact
    this.paramsCheck = new ParamsCheck(data.schema)
  }

  run(call: GuestCall, claim: () => void): CallOutcome {
    this.usedFuel = null
    this.memoryBytes = 0
    let outcome: CallOutcome
    try {
      outcome = { status: 'ok', value: this.answer(call) }
    } catch (error) {
      outcome = { status: 'failed', error: reportOf(error) }
    }
    claim()
    return outcome
  }

  /** Makes the next instance while nobody waits: it costs most of a call. A failure is told to whoever needs it next. */
  afterReply(isIdle: () => boolean): void {
    if (!this.data.prepareNext || this.next !== undefined || !isIdle()) return
    try {
      this.next = this.make()
    } catch {
      this.next = undefined
    }
  }

  close(): void {
    this.next = undefined
  }

  private answer({ operation, payload, deadlineMs }: GuestCall): unknown {
    switch (operation) {
      case 'execute':
        return this.execute(checked(toolExecuteSchema, payload), deadlineMs)
      case 'describe':
        return this.describe()
      default:
        throw new PaddockError('internal.bug', 'The contract has no such operation.')
    }
  }

  private execute({ params, context }: z.infer<typeof toolExecuteSchema>, deadlineMs: number): ToolAnswer {
    const call = new ActiveCall(this.context.log, deadlineMs)
    const inputBytes = Buffer.byteLength(params)
    if (inputBytes > this.data.inputBytes) {
      return refused(
        'input_encode',
        `the params have ${inputBytes} bytes; at most ${this.data.inputBytes} are taken`,
      )
    }
    const fault = this.paramsCheck.fault(params)
    if (fault !== null) return refused('input_encode', fault)
    const response = this.onFreshInstance((instance) => instance.execute(call, params, context))
    const { logged } = call
    if (response.tag === 'success') {
      const outputBytes = Buffer.byteLength(response.val)
      if (outputBytes > this.data.outputBytes) {
        const allowed = this.data.outputBytes
        return refused(
          'output_too_large',
          `the output has ${outputBytes} bytes; at most ${allowed} are taken`,
          logged,
        )
      }
    }
    return { tag: 'response', response: responseOf(response), logged }
  }

  private describe(): ToolMetadata {
    const { schema, description } = this.onFreshInstance((instance) => instance.describe())
    if (Buffer.byteLength(schema) > maxToolSchemaBytes) {
      throw invalidSchema(`it has more than ${maxToolSchemaBytes} bytes`)
    }
    if (!isJsonObject(schema)) throw invalidSchema('it is not a JSON object')
    if (Buffer.byteLength(description) > maxToolDescriptionBytes) {
      throw invalidSchema(`the description has more than ${maxToolDescriptionBytes} bytes`)
    }
    return { schema, description }
  }

  private onFreshInstance<T>(use: (instance: ToolInstance) => T): T {
    const instance = this.next ?? this.make()
    this.next = undefined
    try {
      return use(instance)
    } catch (error) {
      throw new CallFault(faultReport(error, instance))
    } finally {
      this.usedFuel = instance.usedFuel
      this.memoryBytes = instance.bytes
    }
  }

  private make(): ToolInstance {
    const { callHost, spec } = this.context
    return new ToolInstance({
      artifact: this.artifact,
      memoryLimitBytes: spec.limits.memoryBytes,
      callHost,
    })
  }
}

/** The guest ended the call and its thread with it. */
class CallFault extends Error {
  readonly report: ErrorReport

  constructor(report: ErrorReport) {
    super(report.message)
    this.report = report
  }
}

function reportOf(error: unknown): ErrorReport {
  if (error instanceof CallFault) return error.report
  if (error instanceof InstantiationFault) return instantiationReport(error.thrown, error.state)
  if (error instanceof PaddockError) return error.toReport()
  return new PaddockError('internal.bug', 'A call of the tool failed in the host.', {
    cause: error,
  }).toReport()
}

function refused(
  kind: Extract<ToolAnswer, { tag: 'refused' }>['kind'],
  message: string,
  logged = 0,
): ToolAnswer {
  return { tag: 'refused', kind, message, logged }
}

function responseOf(response: GuestResponse): ToolResponse {
  if (response.tag === 'success') return { tag: 'success', output: response.val }
  const { kind, message } = response.val
  const code = cleanCode(response.val.code)
  return {
    tag: 'failure',
    kind,
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message: cutBetweenWords(message, maxGuestMessageBytes) }),
  }
}

/** Letters, digits and `_.-`, at most 64; undefined where nothing is left (spec tools 7.2). */
function cleanCode(code: string | undefined): string | undefined {
  const clean = (code ?? '')
    .slice(0, 4_096)
    .replaceAll(/[^A-Za-z0-9_.-]/g, '')
    .slice(0, 64)
  return clean === '' ? undefined : clean
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function invalidSchema(reason: string): PaddockError {
  return new PaddockError(
    'tool.invalid_schema',
    `What the tool says of its params cannot be used: ${reason}.`,
  )
}

function checked<T>(schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  throw new PaddockError('internal.bug', 'The payload of a guest call has not the shape of its operation.')
}
