/**
 * Bodies of requests and answers on their way between the broker, the engine and the guest thread: in parts, so that no
 * message is long enough to hold up a loop that passes it on. Whoever takes a body asks for each part, which bounds what is
 * under way.
 */
import { z } from 'zod'
import { httpFailureSchema } from './tool.ts'

/** Bytes of one message at most. */
export const bodyPartBytes = 262_144
/** Bytes of a body at most (spec tools 2). */
const maxBodyBytes = 10_485_760

export const bodyPartSchema: z.ZodType<Uint8Array> = z
  .instanceof(Uint8Array)
  .refine(({ byteLength }) => byteLength <= bodyPartBytes)

/** The head of an answer, with the first part of its body. */
export const httpHeadSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    status: z.number().int(),
    headersJson: z.string(),
    body: bodyPartSchema,
    /** Of the whole body; parts behind the first are read one by one. */
    bodyBytes: z.number().int().nonnegative().max(maxBodyBytes),
  }),
  httpFailureSchema,
])
export type HttpHead = z.infer<typeof httpHeadSchema>

/** A further part of the body of the last answer. */
export const bodyPartAnswerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), part: bodyPartSchema }),
  httpFailureSchema,
])
export type BodyPartAnswer = z.infer<typeof bodyPartAnswerSchema>

/** The part from `offset` on, with no memory of others around it. */
export function partAt(body: Uint8Array, offset: number): Uint8Array {
  return Uint8Array.from(body.subarray(offset, offset + bodyPartBytes))
}
