/** The one transaction an actor may hold. What counts is the engine's own flag after every statement (spec actors-sql 9). */
import type { TransactionControl } from '../../../../shared/sql/statement-policy.ts'
import type { Connection } from './connection.ts'
import { SqlFault } from './faults.ts'

type Problem = 'expired' | 'rolled-back-by-engine'

function transactionFault(problem: Problem | 'none-open'): SqlFault {
  return new SqlFault({ tag: 'transaction', val: problem })
}

export class TransactionState {
  /** Whether one is open, as the engine said after the last statement. */
  isOpen = false
  /** While the host's own budget rules, as in migrations. */
  hasNoDeadline = false
  private readonly connection: Connection
  private readonly budgetMs: number
  private readonly nowMs: () => number
  private beganMs = 0
  private problem: Problem | undefined

  constructor(connection: Connection, budgetMs: number, nowMs: () => number = () => performance.now()) {
    this.connection = connection
    this.budgetMs = budgetMs
    this.nowMs = nowMs
  }

  /** Before a statement of the guest. Throws `SqlFault` where it must not run. */
  before(control: TransactionControl | undefined): void {
    const ends = control === 'commit' || control === 'rollback'
    if (this.problem !== undefined) this.failWith(this.problem, ends)
    if (this.isOpen && !this.hasNoDeadline && this.nowMs() - this.beganMs >= this.budgetMs) {
      this.rollback()
      this.problem = 'expired'
      this.failWith('expired', ends)
    }
    if (control === undefined || control === 'savepoint') return
    if (control === 'begin') {
      if (this.isOpen) throw new SqlFault({ tag: 'busy', val: 'transaction-open' })
    } else if (!this.isOpen) {
      throw transactionFault('none-open')
    }
  }

  /** After a statement, also one that failed. `mayEnd`: the statement is there to end a transaction. */
  after(mayEnd: boolean): void {
    const isOpen = this.connection.inTransaction
    if (isOpen === this.isOpen) return
    this.isOpen = isOpen
    if (isOpen) this.beganMs = this.nowMs()
    else if (!mayEnd) this.problem = 'rolled-back-by-engine'
  }

  /** Rolls back what is open. Throws the engine's error: then the connection is of no use any more. */
  rollback(): void {
    if (this.connection.inTransaction) this.connection.prepare('ROLLBACK').run()
    this.isOpen = false
  }

  /** Whether a rollback has nothing left to do because the engine did it; forgets that. */
  takeEngineRollback(): boolean {
    const taken = this.problem === 'rolled-back-by-engine'
    if (taken) this.problem = undefined
    return taken
  }

  /** Forgets how the host's own transaction ended: the guest had none. */
  forgetProblem(): void {
    this.problem = undefined
  }

  /** The invocation is over: whatever ended badly in it is forgotten. True when one was open and is rolled back now. */
  endInvocation(): boolean {
    this.problem = undefined
    const wasOpen = this.isOpen
    if (wasOpen) this.rollback()
    return wasOpen
  }

  private failWith(problem: Problem, ends: boolean): never {
    if (ends) this.problem = undefined
    throw transactionFault(problem)
  }
}
