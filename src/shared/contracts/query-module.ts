/** Values of query modules between engine and sandbox (spec nexum-host 9). */
import { z } from 'zod'
import { hostErrorSchema } from '../sandbox/host-error.ts'

/** Exports `init` and `evaluate`. */
export const queryModuleContractId = 'query-module'
/** Exports `evaluate` beside `init` and `on-event`: an event module that can also be queried (spec nexum-host 1.1). */
export const queriedEventModuleContractId = 'queried-event-module'

/** Bytes of one query. */
export const maxQueryBytes = 4 * 1024 * 1024

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)

/** Payload of the operation `evaluate`. */
export const queryInputSchema = bytes.refine((input) => input.length <= maxQueryBytes)

/** What the guest answered: bytes of its own, or its error. */
export const queryAnswerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: bytes }),
  z.object({ ok: z.literal(false), error: hostErrorSchema }),
])
export type QueryAnswer = z.infer<typeof queryAnswerSchema>
