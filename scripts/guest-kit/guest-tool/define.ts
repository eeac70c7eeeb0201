// `defineTool`: from functions to the exports of the contract.
import type { FailureKind } from 'near:agent/host@0.4.1'
import { wellFormed } from '../guest/text.ts'
import { payloadOf, ToolFailure } from './failure.ts'

/** Params are what the schema says: the host checks them before the call. */
export type Operation = (params: never) => unknown

export interface ToolDefinition {
  /** One paragraph for whoever picks a tool. */
  readonly description: string
  /** JSON Schema of the params, an object. */
  readonly params: Readonly<Record<string, unknown>>
  /** By the ids of the declaration. Each answers what can be put as JSON; a `ToolFailure` thrown says how it failed. */
  readonly operations: Readonly<Record<string, Operation>>
}

interface Failure {
  readonly kind: FailureKind
  readonly code: string | null
  readonly message: string | null
}

export interface ToolExports {
  execute(request: {
    params: string
    context?: string | null
  }): { tag: 'success'; val: string } | { tag: 'failure'; val: Failure }
  schema(): string
  description(): string
}

/** The export of a tool: `export const tool = defineTool({ … })`. Every call has an instance of its own. */
export function defineTool(definition: ToolDefinition): ToolExports {
  return {
    execute({ params, context }) {
      try {
        const value = operationOf(definition, context)(JSON.parse(params) as never)
        if (value instanceof Promise) throw new Error('An operation must not be async.')
        return { tag: 'success', val: wellFormed(JSON.stringify(value ?? null)) }
      } catch (thrown) {
        return { tag: 'failure', val: failureOf(thrown) }
      }
    },
    schema: () => wellFormed(JSON.stringify(definition.params)),
    description: () => wellFormed(definition.description),
  }
}

function operationOf({ operations }: ToolDefinition, context: string | null | undefined): Operation {
  const { capability_id: id = '' } = JSON.parse(context ?? '{}') as { capability_id?: string }
  const operation = Object.hasOwn(operations, id) ? operations[id] : undefined
  if (operation === undefined)
    throw new ToolFailure('input', `This tool has no operation "${id}".`, 'unknown_operation')
  return operation
}

function failureOf(thrown: unknown): Failure {
  if (thrown instanceof ToolFailure) {
    const { kind, code, message } = thrown
    return { kind, code: code === null ? null : wellFormed(code), message: wellFormed(message) }
  }
  const reason =
    thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : shown(payloadOf(thrown) ?? thrown)
  return { kind: 'operation-failed', code: null, message: wellFormed(reason) }
}

function shown(thrown: unknown): string {
  const json: unknown = JSON.stringify(thrown)
  return typeof json === 'string' ? json : 'It failed.'
}
