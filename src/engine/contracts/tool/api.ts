/** What the command, the console, the HTTP endpoint and the MCP server ask of an engine's tools. */
import type { ToolOperation } from '../../../shared/contracts/tool.ts'
import type { SecretView, ToolCallView, ToolView } from '../../../shared/domain/tool.ts'

export interface ToolCallRequest {
  /** Id of the operation, for instance `github.get_repo`; it names the tool. */
  readonly operation: string
  /** JSON text of an object. */
  readonly params: string
  readonly caller: ToolCallView['caller']
  /** The caller leaves: the guest, its requests and its reservation are stopped (spec tools 10). */
  readonly signal?: AbortSignal
  /** The call's state has changed. */
  readonly onProgress?: (call: ToolCallView) => void
  /** Held by an outer layer for this call, which owns and settles it from now on, however it ends (spec tools 10). */
  readonly reservation?: string
  /** Whether a person has agreed to an operation whose permission is `ask`. */
  readonly confirmed?: boolean
}

export interface ToolHistoryFilter {
  readonly module?: string
  readonly limit: number
  /** Calls that began before the one of this id. */
  readonly before?: string
}

export interface ToolApi {
  /** Never instantiates anything (spec tools 8). */
  list(): ToolView[]
  /** Tools, operations, permissions or figures have changed; told at most four times a second. */
  onDidChange(listener: () => void): () => void
  /** Settles once the call is settled; a call that failed is an answer, too. Throws `tool.*` only for what never became a call. */
  call(request: ToolCallRequest): Promise<ToolCallView>
  /** False when it is settled already or unknown. */
  cancel(callId: string): boolean
  /** Newest first; kept in memory, the last 500, and as log lines for good. */
  history(filter: ToolHistoryFilter): ToolCallView[]
  view(callId: string): ToolCallView | undefined
  /** The operator's word on an operation, or null for what the tool declares. */
  setPermission(module: string, operation: string, permission: ToolOperation['permission'] | null): void
  secrets(): Promise<SecretView[]>
  /** Throws `secret.*`. `value` is overwritten. */
  setSecret(name: string, value: Uint8Array): Promise<void>
  removeSecret(name: string): Promise<void>
  /** Lets the tool use the secret on these hosts, which it must have declared; no host takes the grant back. */
  grantSecret(module: string, name: string, hosts: readonly string[]): Promise<void>
}
