/** The guest thread's way to a database in another engine: each call is a host call (spec actors-sql 12). */
import { z } from 'zod'
import { databaseCapability } from '../../../shared/contracts/actor-owner.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { errorReportSchema } from '../../../shared/domain/primitives.ts'
import type { CallHost } from '../../programs/guest-program.ts'
import type { ActorDatabase } from '../actor/database/actor-database.ts'
import { SqlFault } from '../actor/database/faults.ts'
import type { DatabaseClient } from '../actor/bridged/bridged-database.ts'
import type { SqlError, SqlOperation } from '../actor/interfaces.ts'

const answerSchema = z.object({
  outcome: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('value'), value: z.unknown() }),
    z.object({ kind: z.literal('fault'), error: z.object({ tag: z.string(), val: z.unknown().optional() }) }),
    z.object({ kind: z.literal('report'), error: errorReportSchema }),
    z.object({ kind: z.literal('bug'), message: z.string() }),
  ]),
  inTransaction: z.boolean(),
  closed: z.boolean(),
})

export class RemoteClient implements DatabaseClient {
  private readonly callHost: CallHost
  private open = false
  private closed = false

  constructor(callHost: CallHost) {
    this.callHost = callHost
  }

  get inTransaction(): boolean {
    return this.open
  }

  forgetLost(): void {
    // The engine knows which transactions went with their connection.
  }

  call(method: keyof ActorDatabase, args: readonly unknown[], operation: SqlOperation): unknown {
    if (this.closed && method !== 'stats') throw new SqlFault({ tag: 'closed' })
    const answer = this.callHost(databaseCapability, method, [[...args], operation])
    const parsed = answerSchema.safeParse(answer)
    if (!parsed.success)
      throw new PaddockError('internal.bug', 'The engine answered a call of the database malformed.')
    this.open = parsed.data.inTransaction
    this.closed = parsed.data.closed
    const { outcome } = parsed.data
    switch (outcome.kind) {
      case 'value':
        return outcome.value
      case 'fault':
        // Lowered by the binder, which traps on what is no case of it.
        throw new SqlFault(outcome.error as SqlError)
      case 'report':
        throw PaddockError.fromReport(outcome.error)
      case 'bug':
        throw new PaddockError('internal.bug', `The owner of the database failed: ${outcome.message}`)
    }
  }
}
