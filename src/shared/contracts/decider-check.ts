/** How conformance checks drive a decider: scripts of guest calls on one fresh instance each (spec decider 13). */
import { z } from 'zod'
import { descriptorSchema, domainErrorSchema, guestPhaseSchema } from './decider.ts'

export const deciderCheckContractId = 'decider-check'

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const envelopeSchema = z.object({ type: z.string(), payload: bytes })
export type Envelope = z.infer<typeof envelopeSchema>

/** One step on the instance of a script. `open` drops the session before; the others need one where they name it. */
export const checkStepSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('descriptor') }),
  z.object({ do: z.literal('stream-id'), command: envelopeSchema }),
  z.object({ do: z.literal('open'), snapshot: bytes.nullable() }),
  /** One guest call with all the events. */
  z.object({ do: z.literal('evolve'), events: z.array(envelopeSchema) }),
  z.object({ do: z.literal('decide'), command: envelopeSchema }),
  z.object({ do: z.literal('snapshot') }),
  z.object({ do: z.literal('drop') }),
  /** Opens, evolves, decides and drops so many sessions, one after the other. */
  z.object({
    do: z.literal('sessions'),
    count: z.number().int().positive().max(100_000),
    events: z.array(envelopeSchema),
    command: envelopeSchema.nullable(),
  }),
])
export type CheckStep = z.infer<typeof checkStepSchema>

export const checkScriptSchema = z.object({
  steps: z.array(checkStepSchema),
  /** Fuel of each guest call; of an `evolve` the larger of this and `fuelPerEvent` for each event. */
  fuelPerCall: z.number().int().positive(),
  fuelPerEvent: z.number().int().nonnegative(),
})
export type CheckScript = z.infer<typeof checkScriptSchema>

const failed = z.object({ is: z.literal('error'), error: domainErrorSchema })
const answerSchema = z.discriminatedUnion('is', [
  z.object({ is: z.literal('descriptor'), descriptor: descriptorSchema }),
  z.object({ is: z.literal('stream-id'), streamId: z.string() }),
  z.object({ is: z.literal('done') }),
  z.object({ is: z.literal('decided'), events: z.array(envelopeSchema) }),
  z.object({ is: z.enum(['rejected', 'faulted']), error: domainErrorSchema }),
  z.object({ is: z.literal('snapshot'), snapshot: bytes.nullable() }),
  failed,
  z.object({ is: z.literal('trap'), phase: guestPhaseSchema, code: z.string(), message: z.string() }),
  /** A step after a trap, or without the session it needs. */
  z.object({ is: z.literal('skipped') }),
])
export type CheckAnswer = z.infer<typeof answerSchema>

/** What one step answered and what it cost: fuel units, milliseconds, and the bytes of memory held after it. */
export const observationSchema = z.object({
  answer: answerSchema,
  fuel: z.number().nonnegative(),
  ms: z.number().nonnegative(),
  memoryBytes: z.number().int().nonnegative(),
})
export type Observation = z.infer<typeof observationSchema>

export const observationsSchema = z.array(observationSchema)
