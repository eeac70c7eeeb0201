import type { QueryAnswer } from '../../../shared/contracts/query-module.ts'

/** A module that answers queries, as the service that routes them sees it. */
export interface QueryHost {
  /** Name of the module. */
  readonly name: string
  /** Rejects with `module.busy`, `module.not_running`, or why the instance died: `sandbox.*`. */
  ask(input: Uint8Array): Promise<QueryAnswer>
  /** Ends what waits. */
  close(): void
}
