/** What the engine and the guest thread of a tool say to each other about one call (spec tools 3, 7, 8). */
import { z } from 'zod'
import { bodyPartAnswerSchema, bodyPartSchema, httpHeadSchema } from './tool-body.ts'
import { toolMetadataSchema, toolResponseSchema } from './tool.ts'

/** Of one call: lines the guest may log, and bytes of each (spec tools 3). */
export const maxToolLogLines = 1_000
export const maxToolLogLineBytes = 4_096
/** What is kept of all that a call prints (spec tools 1). */
export const maxToolDiagnosticsBytes = 65_536
/** What a tool may say of itself (spec tools 8). */
export const maxToolSchemaBytes = 262_144
export const maxToolDescriptionBytes = 4_096
/** A guest's own words on its failure as they leave the guest thread, not scrubbed yet (spec tools 7.2). */
export const maxGuestMessageBytes = 4_096
/** Time for `describe` (spec tools 8). */
export const toolDescribeMs = 5_000
/** Tables and memories of a component, each (spec tools 8). */
export const maxToolParts = 10
/** Core instances: QuickJS tools have 13, most of them adapters without a memory, where the spec thinks of 10. */
export const maxToolCoreInstances = 32

/** `contractData` of a tool's load message. */
export const toolDataSchema = z.strictObject({
  /** The tool's JSON Schema as it described itself; null where it is not known, which checks nothing. */
  schema: z.string().nullable(),
  inputBytes: z.number().int().positive(),
  outputBytes: z.number().int().positive(),
  /** Whether the thread makes its next instance while nobody waits: it then holds two memories at times. */
  prepareNext: z.boolean(),
})
export type ToolData = z.infer<typeof toolDataSchema>

/**
 * What the operation `execute` of a tool's guest thread answers to a `ToolExecute`; `describe` takes null. A trap
 * (`sandbox.trap`, `sandbox.stack_overflow`), the end of memory (`sandbox.out_of_memory`), an exit (`tool.exit`) and the
 * deadline (`sandbox.deadline`) fail the guest call instead, and end the thread; `tool.no_memory` fails it before the
 * guest was entered.
 */
export const toolAnswerSchema = z.discriminatedUnion('tag', [
  z.object({
    tag: z.literal('response'),
    response: toolResponseSchema,
    /** Log records of the call that were sent, so that the engine knows when it has them all. */
    logged: z.number().int().nonnegative(),
  }),
  /** The guest was not entered, or its answer not handed on. */
  z.object({
    tag: z.literal('refused'),
    kind: z.enum(['input_encode', 'output_too_large']),
    message: z.string(),
    logged: z.number().int().nonnegative(),
  }),
])
export type ToolAnswer = z.infer<typeof toolAnswerSchema>

/** What `describe` answers. A tool that says nonsense of itself fails with `tool.invalid_schema`. */
export const toolDescriptionSchema = toolMetadataSchema

/**
 * UTF-16 units of what a guest says in a host call: one more than its rule allows, so that what is longer is cut on the
 * guest thread and refused by its rule all the same. Nothing without a bound reaches a loop that others share.
 */
export const maxHostTexts = {
  method: 33,
  url: 8_193,
  headers: 16_385,
  path: 1_025,
  secret: 257,
  alias: 257,
  params: 1_048_577,
} as const

const text = (maxLength: number): z.ZodString => z.string().max(maxLength)

/** A request without the parts of its body that were sent before. */
export const sentRequestSchema = z.strictObject({
  method: text(maxHostTexts.method),
  url: text(maxHostTexts.url),
  headersJson: text(maxHostTexts.headers),
  /** The last part. */
  body: bodyPartSchema.optional(),
  /** Of the whole body; more than came in parts where the rest was not wanted. */
  bodyBytes: z.number().int().nonnegative(),
  timeoutMs: z.number().nonnegative().optional(),
})
export type SentRequest = z.infer<typeof sentRequestSchema>

/** Arguments of the host calls of `toolCapability`, by function. */
export const toolHostArguments = {
  'http-request': z.tuple([sentRequestSchema]),
  'send-body': z.tuple([bodyPartSchema]),
  'read-body': z.tuple([z.number().int().nonnegative()]),
  'workspace-read': z.tuple([text(maxHostTexts.path)]),
  'tool-invoke': z.tuple([text(maxHostTexts.alias), text(maxHostTexts.params)]),
  'secret-exists': z.tuple([text(maxHostTexts.secret)]),
} as const

/** Answer of `tool-invoke`: JSON text, or one stable word (spec tools 3). */
export const invokeAnswerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), output: z.string() }),
  z.object({ ok: z.literal(false), error: z.string().max(64) }),
])
export type InvokeAnswer = z.infer<typeof invokeAnswerSchema>

/** What the engine must answer to each host call; anything else is a fault of the host. */
export const toolHostAnswers = {
  'http-request': httpHeadSchema,
  /** Whether more of the body is wanted. */
  'send-body': z.boolean(),
  'read-body': bodyPartAnswerSchema,
  'workspace-read': z.string().nullable(),
  'tool-invoke': invokeAnswerSchema,
  'secret-exists': z.boolean(),
} as const
