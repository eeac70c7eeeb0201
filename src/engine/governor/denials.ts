/** Why a reservation is refused, asked about or warned of, from the accounts as they stand (spec tools 12). */
import { PaddockError } from '../../shared/errors.ts'
import type { Lane, LimitExceeded } from './account.ts'
import type { AmountVector } from './amounts.ts'
import type { Denial, RequiresApproval } from './events.ts'

/** The first limit of which so much is used already that a person must agree to more. */
export function asksApproval(lane: Lane, amounts: AmountVector, now: number): RequiresApproval | undefined {
  if (!lane.limited) return undefined
  for (const account of lane.accounts) {
    for (const meter of account.meters) {
      const requested = amounts[meter.index] ?? 0
      if (requested === 0 || !meter.pauses(meter.usedAt(now))) continue
      return { ...figures(account, meter, amounts, now), code: 'governor.requires_approval' }
    }
  }
  return undefined
}

/** Every limit whose use has come to the share at which the operator is warned; each tells it once a window. */
export function warningsOf(lane: Lane, amounts: AmountVector, now: number): LimitExceeded[] {
  return lane.accounts.flatMap((account) =>
    account.meters
      .filter((meter) => meter.warns(meter.usedAt(now)))
      .map((meter) => ({
        ...figures(account, meter, amounts, now),
        code: 'governor.limit_exceeded' as const,
      })),
  )
}

function figures(
  account: Lane['accounts'][number],
  meter: Lane['accounts'][number]['meters'][number],
  amounts: AmountVector,
  now: number,
): Omit<LimitExceeded, 'code'> {
  const { dimension, period, limit } = meter.limit
  return {
    account: account.path,
    dimension,
    period,
    limit,
    used: meter.usedAt(now),
    held: account.held[meter.index] ?? 0,
    requested: amounts[meter.index] ?? 0,
  }
}

/** A denial as an error, for a caller who waits for the work. */
export function denialError(denial: Denial): PaddockError {
  if (denial.code === 'governor.ledger_unusable') {
    return new PaddockError(denial.code, 'What the work would use cannot be kept, so it does not begin.', {
      details: { account: denial.account },
    })
  }
  const { code, ...details } = denial
  const { account, dimension, limit, used, held, requested } = denial
  return new PaddockError(
    code,
    `The limit of ${account} on ${dimension} is ${limit}: ${used} used, ${held} held, ${requested} asked for.`,
    { details },
  )
}
