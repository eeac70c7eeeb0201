/** Amounts of every dimension at once, as one vector: adding two costs a dozen machine additions and no allocation. */
import { budgetDimensions, type BudgetDimension } from '../../shared/domain/budgets.ts'
import { PaddockError } from '../../shared/errors.ts'

/** A dimension that is missing counts as 0 (spec tools 12). */
export type Amounts = Readonly<Partial<Record<BudgetDimension, number>>>

/** One number per dimension, in the order of `budgetDimensions`. */
export type AmountVector = Float64Array

export const dimensionCount = budgetDimensions.length

export function dimensionIndex(dimension: BudgetDimension): number {
  return budgetDimensions.indexOf(dimension)
}

export function emptyVector(): AmountVector {
  return new Float64Array(dimensionCount)
}

/** Throws `governor.invalid_estimate` for an amount that is negative or not finite (spec tools 12). */
export function toVector(amounts: Amounts): AmountVector {
  const vector = emptyVector()
  budgetDimensions.forEach((dimension, index) => {
    const amount = amounts[dimension] ?? 0
    if (!isAmount(amount)) {
      throw new PaddockError('governor.invalid_estimate', `${amount} is no amount of ${dimension}.`)
    }
    vector[index] = amount
  })
  return vector
}

export function isAmount(amount: number): boolean {
  return Number.isFinite(amount) && amount >= 0
}
