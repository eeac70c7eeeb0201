/** `paddock call`: one call of a tool, and what became of it (spec tools 8). */
import type { Engine } from '../engine/engine.ts'
import type { EgressTrace, ToolCallView } from '../shared/domain/tool.ts'
import { PaddockError } from '../shared/errors.ts'
import { exitCodes } from './exit-codes.ts'
import { loadTool, type ToolGiven } from './load-tool.ts'
import { readArgument, withEngine, type OneShotOptions } from './one-shot.ts'
import type { Output } from './output.ts'

export interface CallOptions extends OneShotOptions, ToolGiven {
  readonly bundle: string
  /** JSON text of an object, or `@file`. */
  readonly params: string
  /** `{"capability_id": …}` chooses the operation; nothing else of it reaches the tool (spec tools 8). */
  readonly context: string | undefined
  readonly operation: string | undefined
}

/**
 * Loads the tool, calls it once and prints the outcome. Exit 0 for a success, 1 for a failure, 2 for bad input. SIGINT and
 * SIGTERM cancel the call, which stops the guest. Naming bundle and secrets here is consent to what the tool declares.
 */
export async function call(options: CallOptions, output: Output): Promise<number> {
  const params = Buffer.from(await readArgument(options.params)).toString('utf8')
  const asked = options.operation ?? operationOf(options.context)
  return withEngine(options, output, async (engine) => {
    const leaving = new AbortController()
    const leave = (): void => leaving.abort()
    // A second signal ends the command at once.
    process.once('SIGINT', leave)
    process.once('SIGTERM', leave)
    const name = await loadTool(engine, options.bundle, options)
    const answer = await engine.contracts.tools.call({
      operation: asked ?? onlyOperation(engine, name),
      params,
      caller: 'command',
      signal: leaving.signal,
      confirmed: true,
    })
    process.off('SIGINT', leave)
    process.off('SIGTERM', leave)
    output.result(printable(answer), describe(answer))
    if (answer.outcome?.ok === true) return exitCodes.ok
    return answer.outcome?.failure.kind === 'input_encode' ? exitCodes.badInput : exitCodes.moduleFailed
  })
}

/** The one operation of the tool. Throws `usage.invalid` when there are several. */
function onlyOperation(engine: Engine, module: string): string {
  const operations = engine.contracts.tools.list().find((each) => each.module === module)?.operations ?? []
  const [only] = operations
  if (only !== undefined && operations.length === 1) return only.id
  const names = operations.map(({ id }) => id).join(', ')
  throw new PaddockError(
    'usage.invalid',
    `Choose an operation with --operation: ${names || 'the tool has none'}.`,
  )
}

function operationOf(context: string | undefined): string | undefined {
  if (context === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(context)
  } catch (cause) {
    throw new PaddockError('usage.invalid', 'The context is not JSON.', { cause })
  }
  const id =
    typeof value === 'object' && value !== null && 'capability_id' in value ? value.capability_id : undefined
  if (typeof id === 'string') return id
  throw new PaddockError(
    'usage.invalid',
    'The context has no text "capability_id", which names the operation.',
  )
}

function printable({ outcome, ...call }: ToolCallView): unknown {
  if (outcome?.ok !== true) return { ok: false, ...call, failure: outcome?.failure ?? null }
  return { ok: true, ...call, output: JSON.parse(outcome.output) as unknown }
}

function describe({ outcome, usage, trace, logs, logsDropped }: ToolCallView): string {
  const lines = [
    ...logs.map(({ level, message }) => `${level.padEnd(5)} ${message}`),
    ...(logsDropped > 0 ? [`${logsDropped} further log lines were dropped`] : []),
    ...trace.map(describeRequest),
  ]
  if (outcome === null) return [...lines, 'no outcome'].join('\n')
  if (!outcome.ok) {
    const { kind, code, message, secrets } = outcome.failure
    const named = code === null ? kind : `${kind} (${code})`
    const missing = secrets.length === 0 ? '' : ` Secrets to give: ${secrets.join(', ')}.`
    return [...lines, `failed after ${usage.wallMs.toFixed(0)} ms: ${named}: ${message}${missing}`].join('\n')
  }
  return [...lines, JSON.stringify(JSON.parse(outcome.output), null, 2)].join('\n')
}

function describeRequest({ method, url, verdict, status, injected, durationMs }: EgressTrace): string {
  const what = `${method} ${url}`
  switch (verdict.kind) {
    case 'refused':
      return `refused ${what}: ${verdict.code}: ${verdict.reason}`
    case 'failed':
      return `failed  ${what}: ${verdict.code}`
    case 'allowed': {
      const secrets = injected.length === 0 ? '' : `, with ${injected.join(' and ')}`
      return `allowed ${what}: ${status ?? 'no answer'} in ${durationMs.toFixed(0)} ms by ${verdict.rule}${secrets}`
    }
  }
}
