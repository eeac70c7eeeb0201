/** Budgets: what may be used, over how long, on which account (spec tools 12). */
import { z } from 'zod'
import { moduleNameSchema } from './primitives.ts'

/** What is counted, in the order in which a denial names it (spec tools 12; fuel is ours). */
export const budgetDimensions = [
  'usd',
  'input_tokens',
  'output_tokens',
  'fuel',
  'wall_clock_ms',
  'output_bytes',
  'network_egress_bytes',
  'network_ingress_bytes',
  'http_requests',
  'invocations',
  'process_count',
  'concurrency_slots',
] as const
export const budgetDimensionSchema = z.enum(budgetDimensions)
export type BudgetDimension = z.infer<typeof budgetDimensionSchema>

/**
 * Over how long use adds up: not at all (`call`), over the last 24 hours, or since the day, week (from Monday) or
 * month began in the time zone of the budgets (spec tools 12).
 */
export const budgetPeriodSchema = z.enum(['call', 'rolling-24h', 'day', 'week', 'month'])
export type BudgetPeriod = z.infer<typeof budgetPeriodSchema>

export const budgetLimitSchema = z.strictObject({
  dimension: budgetDimensionSchema,
  /** 0 allows nothing; no limit is said by leaving it out. */
  limit: z.number().nonnegative().max(Number.MAX_SAFE_INTEGER),
  period: budgetPeriodSchema.default('call'),
  /** Share of the limit from which the operator is warned. */
  warnAt: z.number().gt(0).max(1).default(0.75),
  /** Share of the limit from which a person must agree to more, usually 0.90; left out, nobody is asked (spec tools 12). */
  pauseAt: z.number().gt(0).max(1).optional(),
})
export type BudgetLimit = z.infer<typeof budgetLimitSchema>

export const budgetsSchema = z.strictObject({
  /** IANA name of the zone in which days, weeks and months begin. */
  timeZone: z.string().refine(isTimeZone, 'a time zone such as "UTC" or "Europe/Berlin"').default('UTC'),
  /** Over all modules together. */
  operator: z.array(budgetLimitSchema).default([]),
  /** For one module, by its name. */
  modules: z.record(moduleNameSchema, z.array(budgetLimitSchema)).default({}),
  /** For each module of a contract, by the contract's id. */
  contracts: z.record(z.string(), z.array(budgetLimitSchema)).default({}),
})
export type Budgets = z.infer<typeof budgetsSchema>

/** Nothing is limited. */
export const noBudgets: Budgets = { timeZone: 'UTC', operator: [], modules: {}, contracts: {} }

/** A limit and how it stands, for the console. */
export const budgetStandingSchema = z.object({
  /** Path of the account, for instance `operator/module/counter`. */
  account: z.string(),
  ...budgetLimitSchema.shape,
  used: z.number().nonnegative(),
  held: z.number().nonnegative(),
})
export type BudgetStanding = z.infer<typeof budgetStandingSchema>

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-CA', { timeZone: name })
    return true
  } catch {
    return false
  }
}
