/** One tool that takes calls: what its module declared, was granted, and runs on. */
import type { GuestLogRecord } from '../../../../shared/domain/log.ts'
import type { ModuleGrants } from '../../../../shared/domain/operator/grants.ts'
import type { ToolDeclaration, ToolOperation } from '../../../../shared/contracts/tool.ts'
import type { ErrorReport } from '../../../../shared/errors.ts'
import type { LoadSpec } from '../../../../shared/sandbox/protocol.ts'

export interface ToolLines {
  guestLogs(records: readonly GuestLogRecord[], dropped: number): void
  log(level: GuestLogRecord['level'], event: string, message: string, code?: string): void
}

export interface Tool extends ToolLines {
  readonly module: string
  readonly version: string
  readonly declaration: ToolDeclaration
  readonly spec: LoadSpec
  /** Name of the artifact: component, contract, toolchain and limits (spec tools 11). */
  readonly key: string
  /** What the operator gave it, as it is now. */
  readonly grants: ModuleGrants
  /** Makes or verifies the artifact; answers its directory. Throws `compiler.*`, `component.*`. */
  compile(): Promise<string>
  /** The tool cannot be prepared, or its component was quarantined. */
  onFailed(error: ErrorReport): void
  /** A call came to its end. */
  onHealthy(): void
}

export interface ToolOperationRef {
  readonly tool: Tool
  readonly operation: ToolOperation
}

/** Figures of one tool since the engine started. */
export class ToolCounts {
  running = 0
  queued = 0
  calls = 0
  failures = 0
  /** Calls by how they ended: `ok` or the kind of the failure. */
  readonly results = new Map<string, number>()

  ended(result: string): void {
    this.calls += 1
    if (result !== 'ok') this.failures += 1
    this.results.set(result, (this.results.get(result) ?? 0) + 1)
  }
}
