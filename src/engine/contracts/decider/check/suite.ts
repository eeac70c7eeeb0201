/** A suite of scenarios for a decider, in YAML or JSON (spec decider 13 "Suite"). */
import { parse, YAMLParseError } from 'yaml'
import { z } from 'zod'
import type { Envelope } from '../../../../shared/contracts/decider-check.ts'
import { PaddockError } from '../../../../shared/errors.ts'

const maxSuiteBytes = 16 * 1024 * 1024
const text = z.string().max(1_048_576)

const payloadSchema = z
  .strictObject({
    type: z.string().min(1).max(256),
    json: z.json().optional(),
    utf8: text.optional(),
    hex: z
      .string()
      .regex(/^([0-9a-fA-F]{2})*$/, 'not hexadecimal')
      .optional(),
    base64: z.base64().optional(),
  })
  .refine(
    ({ json, utf8, hex, base64 }) =>
      [json, utf8, hex, base64].filter((form) => form !== undefined).length <= 1,
    'at most one of json, utf8, hex and base64 gives the payload',
  )
type WrittenEnvelope = z.infer<typeof payloadSchema>

const expectationSchema = z
  .strictObject({
    events: z.array(payloadSchema).optional(),
    rejected: z.boolean().optional(),
    error: z
      .union([z.string(), z.strictObject({ code: z.string(), message: z.string().optional() })])
      .optional(),
    trap: z.literal(true).optional(),
  })
  .refine(
    (then) => Object.values(then).some((value) => value !== undefined),
    'one of events, rejected, error and trap is expected',
  )
export type WrittenExpectation = z.infer<typeof expectationSchema>

const stepSchema = z.strictObject({ when: payloadSchema, then: expectationSchema })
const budgetSchema = z.strictObject({
  fuel_per_call: z.number().int().positive().optional(),
  epoch_ticks_per_call: z.number().int().positive().optional(),
  max_memory_bytes: z.number().int().positive().optional(),
})

const scenarioSchema = z
  .strictObject({
    name: z.string().min(1),
    given: z.array(payloadSchema).default([]),
    when: payloadSchema.optional(),
    then: expectationSchema.optional(),
    steps: z.array(stepSchema).min(1).optional(),
    budget: budgetSchema.optional(),
  })
  .superRefine((scenario, context) => {
    const single = scenario.when !== undefined && scenario.then !== undefined
    if (
      single === (scenario.steps !== undefined) ||
      (scenario.when === undefined) !== (scenario.then === undefined)
    ) {
      context.addIssue({ code: 'custom', message: 'a scenario has either when and then, or steps' })
    }
    const steps = scenario.steps ?? []
    if (steps.slice(0, -1).some((step) => step.then.trap === true)) {
      context.addIssue({ code: 'custom', path: ['steps'], message: 'only the last step may expect a trap' })
    }
    const trap = scenario.then?.trap === true || steps.at(-1)?.then.trap === true
    if (trap && scenario.budget === undefined) {
      context.addIssue({
        code: 'custom',
        message: 'a trap is expected only with a budget that starves something',
      })
    }
  })

const suiteSchema = z.strictObject({
  suite: z.string().min(1),
  events: z.array(z.string()).default([]),
  scenarios: z.array(scenarioSchema).min(1),
})

export interface SuiteStep {
  readonly command: Envelope
  readonly expected: WrittenExpectation
  /** The events of `expected`, with those given as JSON marked: they are compared by value. */
  readonly events: readonly ExpectedEvent[] | null
}

export interface ExpectedEvent {
  readonly type: string
  readonly payload: Uint8Array
  /** Null when the bytes count. */
  readonly json: unknown
  readonly byValue: boolean
}

export interface Scenario {
  readonly name: string
  readonly given: readonly Envelope[]
  readonly steps: readonly SuiteStep[]
  /** Null for the defaults. */
  readonly fuelPerCall: number | null
  /** Milliseconds; a tick is 50 ms, as upstream counts. */
  readonly callMs: number | null
  readonly memoryBytes: number | null
}

export interface Suite {
  readonly name: string
  readonly events: readonly string[]
  readonly scenarios: readonly Scenario[]
}

const tickMs = 50

/** Reads a suite. Throws `decider.invalid_suite` naming line or key. */
export function parseSuite(source: string, file: string): Suite {
  if (source.length > maxSuiteBytes) throw invalid(file, 'the suite is larger than 16 MiB')
  const parsed = suiteSchema.safeParse(parseText(source, file))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue === undefined ? '' : issue.path.map(String).join('.')
    throw invalid(file, `${where === '' ? '' : `${where}: `}${issue?.message ?? 'wrong shape'}`)
  }
  const { suite, events, scenarios } = parsed.data
  return {
    name: suite,
    events,
    scenarios: scenarios.map(({ name, given, when, then, steps, budget }) => ({
      name,
      given: given.map(envelopeOf),
      steps: (steps ?? (when === undefined || then === undefined ? [] : [{ when, then }])).map(stepOf),
      fuelPerCall: budget?.fuel_per_call ?? null,
      callMs: budget?.epoch_ticks_per_call === undefined ? null : budget.epoch_ticks_per_call * tickMs,
      memoryBytes: budget?.max_memory_bytes ?? null,
    })),
  }
}

function parseText(source: string, file: string): unknown {
  try {
    return parse(source, { maxAliasCount: 100 })
  } catch (cause) {
    const line = cause instanceof YAMLParseError ? cause.linePos?.[0].line : undefined
    throw invalid(
      file,
      line === undefined ? 'neither YAML nor JSON' : `line ${line}: neither YAML nor JSON`,
      cause,
    )
  }
}

function stepOf({ when, then }: z.infer<typeof stepSchema>): SuiteStep {
  return {
    command: envelopeOf(when),
    expected: then,
    events:
      then.events?.map((event) => ({
        ...envelopeOf(event),
        json: event.json ?? null,
        byValue: event.json !== undefined,
      })) ?? null,
  }
}

function envelopeOf(written: WrittenEnvelope): Envelope {
  return { type: written.type, payload: new Uint8Array(payloadOf(written)) }
}

function payloadOf({ json, utf8, hex, base64 }: WrittenEnvelope): Buffer {
  if (json !== undefined) return Buffer.from(JSON.stringify(json), 'utf8')
  if (hex !== undefined) return Buffer.from(hex, 'hex')
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return Buffer.from(utf8 ?? '', 'utf8')
}

function invalid(file: string, what: string, cause?: unknown): PaddockError {
  return new PaddockError('decider.invalid_suite', `${file}: ${what}.`, cause === undefined ? {} : { cause })
}
