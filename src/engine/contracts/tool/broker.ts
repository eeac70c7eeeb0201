/**
 * What tools reach the outside through: egress, secrets, workspace and leak scans. It lives in a process of its own, so
 * that neither a secret nor megabytes to scan are ever in the engine's (spec tools 4, 5, 6, 9).
 */
import type { CredentialRule, HttpRule, ToolDeclaration } from '../../../shared/contracts/tool.ts'
import type { BodyPartAnswer, HttpHead } from '../../../shared/contracts/tool-body.ts'
import type { SentRequest } from '../../../shared/contracts/tool-call.ts'
import type { EgressTrace, SecretView, ToolUsage } from '../../../shared/domain/tool.ts'

/** What one call may do; the operation's narrowing and the operator's grants are already applied. */
export interface CallPolicy {
  readonly module: string
  readonly operation: string
  readonly http: Omit<ToolDeclaration['http'], 'allow'> & { readonly allow: readonly HttpRule[] }
  /** Declared and granted; empty without the effect `use_secret`. */
  readonly credentials: readonly CredentialRule[]
  readonly visibleSecrets: readonly string[]
  readonly workspace: ToolDeclaration['workspace']
  /** Addresses that are not public and that the operator permits all the same, as `host:port`. */
  readonly permittedPrivate: readonly string[]
  readonly memoryBytes: number
  readonly outputBytes: number
  /** What is left of the call. */
  readonly deadlineMs: number
}

/** What became of an output (spec tools 6). `text` is what may be handed on. */
export type OutputVerdict =
  | { readonly kind: 'passed'; readonly text: string; readonly redactions: number }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'not-json' }

export type CallFigures = Pick<ToolUsage, 'egressBytes' | 'totalBytesOut' | 'bytesIn' | 'httpRequests'> & {
  readonly lastStatus: number | null
  /** Secrets whose values were missing when a request needed them, to be told with `auth-required`. */
  readonly missingSecrets: readonly string[]
  readonly trace: readonly EgressTrace[]
}

/** One call's share of the broker. Every method rejects with `tool.broker_lost` when the process ended meanwhile. */
export interface BrokeredCall {
  /** Takes a part of the body of the next request, in order; false when no more of it is wanted. */
  sendBody(part: Uint8Array): Promise<boolean>
  http(request: SentRequest): Promise<HttpHead>
  /** The part from `offset` on of the body of the last answer. */
  readBody(offset: number): Promise<BodyPartAnswer>
  /** Null for whatever reason (spec tools 3). */
  readWorkspace(path: string): Promise<string | null>
  secretExists(name: string): Promise<boolean>
  scanOutput(text: string): Promise<OutputVerdict>
  /**
   * Replaces all that looks like a secret, in place (spec tools 6, redact-all). Each text has at most `maxBytes`; one that has
   * as many was cut there, and half a secret at its end is replaced as well.
   */
  scrub(texts: readonly string[], maxBytes: number): Promise<string[]>
  /** Ends requests under way; later ones answer `executor`/`cancelled`. */
  cancel(): void
  /** What was sent so far; a call that is closed answers what it was then. */
  figures(): Promise<CallFigures>
  /** Overwrites what was leased; safe to call again. */
  close(): Promise<CallFigures>
}

export interface SecretStore {
  list(): Promise<SecretView[]>
  /** `value` is overwritten when the call returns. Throws `secret.*`. */
  set(name: string, value: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
}

export interface ToolBroker {
  readonly secrets: SecretStore
  open(policy: CallPolicy): Promise<BrokeredCall>
  /** Ends the process; it begins again with the next call. */
  close(): Promise<void>
}
