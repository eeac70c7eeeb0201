/** `paddock decide`: one command for one decider, and what became of it. */
import path from 'node:path'
import type { ExecutionOutcome } from '../shared/contracts/decider.ts'
import { PaddockError } from '../shared/errors.ts'
import type { Engine } from '../engine/engine.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { readArgument, throwFailure, withEngine, type OneShotOptions } from './one-shot.ts'
import type { Output } from './output.ts'

export interface DecideOptions extends OneShotOptions {
  readonly bundle: string
  readonly type: string
  /** `@file`, or the payload itself, usually JSON. */
  readonly payload: string
  /** The stream that the command must be for, as a check. */
  readonly stream: string | undefined
  readonly id: string | undefined
  readonly expect: number | undefined
  readonly dryRun: boolean
  /** Revision as of which a dry run decides. */
  readonly at: number | undefined
}

/** Loads the decider, sends it the command and prints the outcome; answers the exit code (spec decider 9). */
export async function decide(options: DecideOptions, output: Output): Promise<number> {
  if (options.at !== undefined && !options.dryRun) {
    throw new PaddockError('usage.invalid', '--at needs --dry-run.')
  }
  const payload = await readArgument(options.payload)
  return withEngine(options, output, async (engine) => {
    const reference = await loadDecider(engine, options.bundle)
    const outcome = await send(engine, reference, options, payload)
    output.result(printable(outcome), describe(outcome))
    if (outcome.outcome === 'decided') return exitCodes.ok
    return isBadInput(outcome.failure.error.code) ? exitCodes.badInput : exitCodes.moduleFailed
  })
}

/** Throws why it does not run. Answers `name@version`. */
async function loadDecider(engine: Engine, bundle: string): Promise<string> {
  const request = await engine.modules.inspect(path.resolve(bundle), {}).catch((error: unknown) => {
    // Here it is a decider that was asked for.
    if (!(error instanceof PaddockError) || !notComponents.has(error.code)) throw error
    throw new PaddockError('decider.not_a_component', error.message, { cause: error })
  })
  const module = await engine.modules.install(request.requestId, [], true)
  const view = engine.contracts.deciders.views().find((each) => each.module === module)
  if (view !== undefined) return `${view.name}@${view.version}`
  throwFailure(engine, module)
  throw new PaddockError('decider.missing_export', `${bundle} is no decider, but: ${request.contract.title}.`)
}

const notComponents: ReadonlySet<string> = new Set(['component.core_module', 'component.not_wasm'])

async function send(
  engine: Engine,
  reference: string,
  options: DecideOptions,
  payload: Uint8Array,
): Promise<ExecutionOutcome> {
  const command = {
    type: options.type,
    payload,
    reference,
    commandId: options.id ?? null,
    expectedRevision: options.expect ?? null,
  }
  const { deciders } = engine.contracts
  if (options.dryRun) return deciders.dryRun(command, options.at ?? null)
  if (options.stream !== undefined) {
    const streamId = streamOf(await deciders.dryRun(command))
    if (streamId !== null && streamId !== options.stream) {
      throw new PaddockError(
        'decider.malformed_request',
        `The command is for the stream ${JSON.stringify(streamId)}, not ${JSON.stringify(options.stream)}.`,
        { details: { part: 'stream', actual: streamId, expected: options.stream } },
      )
    }
  }
  return deciders.execute(command)
}

function streamOf(outcome: ExecutionOutcome): string | null {
  return outcome.outcome === 'decided' ? outcome.streamId : (outcome.failure.streamId ?? null)
}

/** Payloads as JSON where they are JSON, else as base64. */
function printable(outcome: ExecutionOutcome): unknown {
  if (outcome.outcome !== 'decided') return outcome
  return {
    ...outcome,
    events: outcome.events.map(({ payload, ...event }) => ({ ...event, ...readable(payload) })),
  }
}

function readable(payload: Uint8Array): { json: unknown } | { base64: string } {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown }
  } catch {
    return { base64: Buffer.from(payload).toString('base64') }
  }
}

function describe(outcome: ExecutionOutcome): string {
  if (outcome.outcome !== 'decided') {
    const { error, reason } = outcome.failure
    const code = reason === undefined ? error.code : `${error.code} (${reason.code})`
    return `${outcome.outcome}: ${code}: ${error.message}`
  }
  const { streamId, firstRevision, duplicate, stats } = outcome
  const events = outcome.events.map((event, index) => {
    const shown = readable(event.payload)
    const text = 'json' in shown ? JSON.stringify(shown.json) : `${event.payload.length} bytes`
    return `  ${event.revision ?? `(${firstRevision + index})`}  ${event.type}  ${text}`
  })
  const notes = [
    duplicate ? 'decided before' : `${stats.replayedEvents} events replayed`,
    `${stats.totalMs.toFixed(1)} ms`,
  ]
  return [`decided ${streamId}: ${notes.join(', ')}`, ...events].join('\n')
}
