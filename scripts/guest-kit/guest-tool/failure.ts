// How a tool says that it failed, and how its host does.
import type { FailureKind } from 'near:agent/host@0.4.1'

/** Thrown by a tool: `kind` decides what its caller is told, `code` is what programs branch on. */
export class ToolFailure extends Error {
  readonly kind: FailureKind
  readonly code: string | null

  constructor(kind: FailureKind, message: string, code: string | null = null) {
    super(message)
    this.name = 'ToolFailure'
    this.kind = kind
    this.code = code
  }
}

/** A request that brought no answer. Not caught, it becomes the failure of the call, of the same kind and code. */
export class HttpFailure extends ToolFailure {
  /** Whether anything may have been sent. */
  readonly requestSent: boolean

  constructor(kind: FailureKind, code: string | null, message: string | null, requestSent: boolean) {
    super(kind, message ?? code ?? kind, code)
    this.name = 'HttpFailure'
    this.requestSent = requestSent
  }
}

/** What a host function threw beside its answer, if it did. */
export function payloadOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'payload' in thrown ? thrown.payload : undefined
}
