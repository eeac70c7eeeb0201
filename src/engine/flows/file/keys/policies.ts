/** Error policies and circuits of a flow file (spec flows 9.2, 9.3). */
import { stageErrorCases, type BasePolicy, type FlowNode } from '../../../../shared/contracts/flow.ts'
import { found, type KeyReader } from '../reading/key-reader.ts'
import { maxMilliseconds } from './limits.ts'
import type { PolicyDefinition } from '../model.ts'

const kinds = ['fail-fast', 'skip', 'log', 'retry', 'dead-letter'] as const
const simpleKinds = ['fail-fast', 'skip', 'log', 'dead-letter'] as const
const thens = ['fail-fast', 'skip', 'dead-letter'] as const
/** Bytes that a file of dead letters grows to unless the flow says otherwise. */
const deadLetterBytes = 64 * 1_048_576

export const failFast: PolicyDefinition = {
  base: { kind: 'fail-fast' },
  perCase: {},
  deadLetter: null,
  maxErrorsPerMinute: null,
}

/** The `error_policy` of a flow or node, `{ kind = … }`; `otherwise` where there is none. */
export function readErrorPolicy(owner: KeyReader, otherwise: PolicyDefinition): PolicyDefinition {
  if (!owner.has('error_policy')) {
    owner.raw('error_policy')
    return otherwise
  }
  const table = owner.child('error_policy')
  const base = readBase(table)
  const perCase = readPerCase(table)
  const keepsDead =
    base.kind === 'dead-letter' ||
    (base.kind === 'retry' && base.then === 'dead-letter') ||
    Object.values(perCase).includes('dead-letter')
  const path = readDeadLetterPath(table)
  const maxBytes = table.integer('max_bytes', 1, Number.MAX_SAFE_INTEGER) ?? deadLetterBytes
  const maxErrors = table.integer('max_errors', 1, Number.MAX_SAFE_INTEGER) ?? null
  if (!keepsDead) {
    for (const key of ['path', 'max_bytes']) {
      if (table.has(key)) table.bad(key, 'set', 'left out, because nothing goes to dead letters')
    }
  }
  table.finish()
  return {
    base,
    perCase,
    deadLetter: keepsDead ? { path, maxBytes } : null,
    maxErrorsPerMinute: maxErrors,
  }
}

function readBase(table: KeyReader): BasePolicy {
  const kind = table.choice('kind', kinds)
  if (!table.has('kind')) table.missing('kind', 'the policy, for instance "fail-fast"')
  const retry: BasePolicy = {
    kind: 'retry',
    max: table.integer('max', 1, 1_000) ?? 3,
    backoffMs: table.integer('backoff_ms', 0, maxMilliseconds) ?? 100,
    factor: table.number('factor', 'a number from 1 to 100', (factor) => factor >= 1 && factor <= 100) ?? 2,
    maxBackoffMs: table.integer('max_backoff_ms', 0, maxMilliseconds) ?? 5_000,
    then: table.choice('then', thens) ?? 'fail-fast',
  }
  if (kind === 'retry') return retry
  for (const key of ['max', 'backoff_ms', 'factor', 'max_backoff_ms', 'then']) {
    if (kind !== undefined && table.has(key))
      table.bad(key, 'set', `left out with kind = "${kind}"`, 'Remove it, or use kind = "retry".')
  }
  return kind === undefined ? failFast.base : { kind }
}

function readPerCase(table: KeyReader): PolicyDefinition['perCase'] {
  const cases = table.child('per_case')
  const read: Record<string, (typeof simpleKinds)[number]> = {}
  for (const name of stageErrorCases) {
    if (name === 'fatal') continue
    const policy = cases.choice(name, simpleKinds)
    if (policy !== undefined) read[name] = policy
  }
  const fatal = cases.has('fatal') ? cases.raw('fatal') : undefined
  if (fatal !== undefined) {
    cases.bad(
      'fatal',
      found(fatal),
      'left out: a fatal error always ends the flow',
      'See restart of the flow for stages that trap.',
    )
  }
  cases.finish()
  return read
}

/** A file below the folder that the engine keeps for the flow. */
function readDeadLetterPath(table: KeyReader): string | null {
  const path = table.string('path')
  if (path === undefined) return null
  const fits = /^(?![/\\])(?!.*(?:^|[/\\])\.\.(?:[/\\]|$))[^\0:*?"<>|]{1,255}$/.test(path)
  if (fits) return path
  table.bad(
    'path',
    JSON.stringify(path.slice(0, 80)),
    'the name of a file below the folder of the flow, without ".." and not absolute',
  )
  return null
}

/** The `circuit` of a node, `{ failures, open_ms, max_open_ms, on_open }`; null where there is none. */
export function readCircuit(node: KeyReader): FlowNode['circuit'] {
  if (!node.has('circuit')) {
    node.raw('circuit')
    return null
  }
  const table = node.child('circuit')
  const openMs = table.integer('open_ms', 1, maxMilliseconds) ?? 1_000
  const circuit = {
    failures: table.integer('failures', 1, 1_000_000) ?? 5,
    openMs,
    maxOpenMs: table.integer('max_open_ms', 1, maxMilliseconds) ?? Math.max(30_000, openMs),
    onOpen: table.choice('on_open', ['hold', 'skip', 'fail'] as const) ?? 'hold',
  }
  if (circuit.maxOpenMs < circuit.openMs) {
    table.bad('max_open_ms', String(circuit.maxOpenMs), `at least open_ms, ${circuit.openMs}`)
  }
  table.finish()
  return circuit
}
