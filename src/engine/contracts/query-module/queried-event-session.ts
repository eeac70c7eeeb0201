/** Event modules that can also be queried: events as ever, queries in between (spec nexum-host 1.1). */
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import { EventModuleSession } from '../event-module/session.ts'
import type { ContractSession, InitOutcome, LoadedStore, SessionContext } from '../session.ts'
import { QueryQueue } from './query-queue.ts'

/** Queries are told from events in the list of dispatches, where both are numbered. */
const firstQueryNumber = 2 ** 40

export class QueriedEventSession extends EventModuleSession {
  private readonly lent: SessionContext
  private readonly queries: QueryQueue

  constructor(context: SessionContext, predecessor: ContractSession | undefined) {
    super(context, predecessor)
    this.lent = context
    this.queries = new QueryQueue(context, context.createAdmission(), firstQueryNumber)
  }

  override get queued(): number {
    return super.queued + this.queries.queued
  }

  override initialise(sandbox: Sandbox, store: LoadedStore, run: number): Promise<InitOutcome> {
    this.lent.services.queries.register(this.queries)
    return super.initialise(sandbox, store, run)
  }

  override open(sandbox: Sandbox, run: number): void {
    super.open(sandbox, run)
    this.queries.attach(sandbox, run)
  }

  override detach(): void {
    this.queries.detach()
    super.detach()
  }

  override close(): void {
    this.lent.services.queries.unregister(this.queries)
    this.queries.close()
    super.close()
  }
}
