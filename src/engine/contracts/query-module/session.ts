/** Query modules while they live: `init` once a run, then one query after the other (spec nexum-host 9). */
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import { runInit } from '../run-init.ts'
import type { ContractSession, InitOutcome, LoadedStore, SessionContext } from '../session.ts'
import { QueryQueue } from './query-queue.ts'

export class QueryModuleSession implements ContractSession {
  private readonly context: SessionContext
  private readonly queries: QueryQueue

  constructor(context: SessionContext) {
    this.context = context
    this.queries = new QueryQueue(context, context.admission)
  }

  get queued(): number {
    return this.queries.queued
  }

  initialise(sandbox: Sandbox, store: LoadedStore): Promise<InitOutcome> {
    this.context.services.queries.register(this.queries)
    return runInit(this.context, sandbox, store.lastSequence + 1)
  }

  open(sandbox: Sandbox, run: number): void {
    this.queries.attach(sandbox, run)
  }

  detach(): void {
    this.queries.detach()
  }

  close(): void {
    this.context.services.queries.unregister(this.queries)
    this.queries.close()
  }
}
