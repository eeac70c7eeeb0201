/** Signatures that wait for the operator (spec nexum-host 8.11). */
import { randomUUID } from 'node:crypto'
import type { Approval } from '../../../shared/domain/identity.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'

/** An answer after this is none. */
export const approvalMs = 120_000
/** More cannot be looked at by one person; what comes then is refused. */
const maxPending = 32

export type ApprovalAnswer = 'approved' | 'refused' | 'expired'
export type ApprovalQuestion = Omit<Approval, 'id' | 'askedAt' | 'expiresAt'>

interface Pending {
  readonly approval: Approval
  readonly settle: (answer: ApprovalAnswer) => void
}

export class Approvals {
  private readonly clock: Clock
  private readonly pending = new Map<string, Pending>()
  private readonly listeners = new Set<(approvals: Approval[]) => void>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Oldest first. */
  list(): Approval[] {
    return [...this.pending.values()].map(({ approval }) => approval)
  }

  /** Told of the whole list whenever it changes. */
  onChange(listener: (approvals: Approval[]) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Settles with the operator's answer, or as expired when its time is over or the caller went away. */
  ask(question: ApprovalQuestion, signal: AbortSignal): Promise<ApprovalAnswer> {
    if (signal.aborted) return Promise.resolve('expired')
    if (this.pending.size >= maxPending) return Promise.resolve('refused')
    const askedAt = Math.max(0, this.clock.now())
    const approval: Approval = { ...question, id: randomUUID(), askedAt, expiresAt: askedAt + approvalMs }
    return new Promise((resolve) => {
      const expire = (): void => settle('expired')
      const cancel = this.clock.after(approvalMs, expire)
      const settle = (answer: ApprovalAnswer): void => {
        if (!this.pending.delete(approval.id)) return
        cancel()
        signal.removeEventListener('abort', expire)
        this.tell()
        resolve(answer)
      }
      signal.addEventListener('abort', expire, { once: true })
      this.pending.set(approval.id, { approval, settle })
      this.tell()
    })
  }

  /** Throws `identity.approval_gone`. */
  answer(id: string, approve: boolean): void {
    const pending = this.pending.get(id)
    if (pending === undefined) {
      throw new PaddockError('identity.approval_gone', 'This signature does not wait for an answer any more.')
    }
    pending.settle(approve ? 'approved' : 'refused')
  }

  /** Ends what waits for one module, or for all: nobody is there any more to take the answer. */
  withdraw(module?: string): void {
    for (const { approval, settle } of [...this.pending.values()]) {
      if (module === undefined || approval.module === module) settle('expired')
    }
  }

  private tell(): void {
    const approvals = this.list()
    for (const listener of this.listeners) listener(approvals)
  }
}
