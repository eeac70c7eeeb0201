/** What the governor tells of its work: ids, dimensions and totals only, never contents (spec tools 12). */
import type { ErrorCode } from '../../shared/errors.ts'
import type { Amounts } from './amounts.ts'
import type { LimitExceeded } from './account.ts'
import type { SettlementPhase } from './ledger.ts'

/** Costed work cannot begin because what it uses could not be kept. */
export interface LedgerUnusable {
  readonly code: 'governor.ledger_unusable'
  readonly account: string
}

/** So much of a limit is used that a person must agree to more (spec tools 12); a hard denial wins. */
export type RequiresApproval = Omit<LimitExceeded, 'code'> & { readonly code: 'governor.requires_approval' }

export type Denial = LimitExceeded | LedgerUnusable | RequiresApproval

export type GovernorEvent =
  | { readonly kind: 'requested' | 'granted'; readonly id: string; readonly scope: string }
  | { readonly kind: 'denied'; readonly id: string; readonly scope: string; readonly denial: Denial }
  | { readonly kind: 'warned'; readonly id: string; readonly scope: string; readonly warning: LimitExceeded }
  | { readonly kind: 'reconciled'; readonly id: string; readonly scope: string; readonly actual: Amounts }
  | { readonly kind: 'released'; readonly id: string; readonly scope: string }
  | { readonly kind: 'swept'; readonly id: string; readonly scope: string; readonly ageMs: number }
  | {
      readonly kind: 'deferred'
      readonly id: string
      readonly phase: SettlementPhase
      readonly errorClass: ErrorCode
    }
