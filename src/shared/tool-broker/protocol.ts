/** What the engine and its tool broker say to each other (spec tools 4, 5, 6). Each side checks every message. */
import { z } from 'zod'
import {
  credentialSchema,
  httpRuleSchema,
  operationIdSchema,
  secretNameSchema,
  toolDeclarationSchema,
} from '../contracts/tool.ts'
import { bodyPartAnswerSchema, bodyPartSchema, httpHeadSchema } from '../contracts/tool-body.ts'
import { sentRequestSchema } from '../contracts/tool-call.ts'
import { moduleNameSchema } from '../domain/primitives.ts'
import { egressTraceSchema, secretViewSchema, toolUsageSchema } from '../domain/tool.ts'
import { isErrorCode, type ErrorCode } from '../errors.ts'

const idSchema = z.number().int().nonnegative()
const countSchema = z.number().int().nonnegative()
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)

const { http, workspace } = toolDeclarationSchema.shape

const callPolicySchema = z.strictObject({
  module: moduleNameSchema,
  operation: operationIdSchema,
  http: http.extend({ allow: z.array(httpRuleSchema) }),
  credentials: z.array(credentialSchema),
  visibleSecrets: z.array(z.string()),
  workspace,
  permittedPrivate: z.array(z.string()),
  memoryBytes: z.number().int().positive(),
  outputBytes: z.number().int().positive(),
  deadlineMs: z.number().nonnegative(),
})

export type SentPolicy = z.infer<typeof callPolicySchema>

/** The first message to a broker. */
const brokerSetupSchema = z.strictObject({
  kind: z.literal('set-up'),
  /** Absolute. */
  secretsFile: z.string().min(1),
  /** 32 bytes; both sides overwrite theirs. */
  dataKey: bytes,
  /** Absolute folder of everything that tools may ever read. */
  workspaceRoot: z.string().min(1),
  /** Built script of a scan thread. */
  scanEntry: z.string().min(1),
  /** Name servers (`127.0.0.1:5353`) instead of the machine's. */
  nameServers: z.array(z.string()).optional(),
  /** Certificates in PEM instead of the machine's. */
  trustedCertificates: z.string().optional(),
})
export type BrokerSetup = z.infer<typeof brokerSetupSchema>

/** One question each, answered once by its id. */
const questions = [
  z.strictObject({ kind: z.literal('open'), id: idSchema, call: idSchema, policy: callPolicySchema }),
  z.strictObject({ kind: z.literal('http'), id: idSchema, call: idSchema, request: sentRequestSchema }),
  z.strictObject({ kind: z.literal('send-body'), id: idSchema, call: idSchema, part: bodyPartSchema }),
  z.strictObject({ kind: z.literal('read-body'), id: idSchema, call: idSchema, offset: countSchema }),
  z.strictObject({ kind: z.literal('read-workspace'), id: idSchema, call: idSchema, path: z.string() }),
  z.strictObject({ kind: z.literal('secret-exists'), id: idSchema, call: idSchema, name: z.string() }),
  z.strictObject({ kind: z.literal('scan-output'), id: idSchema, call: idSchema, text: z.string() }),
  z.strictObject({
    kind: z.literal('scrub'),
    id: idSchema,
    call: idSchema,
    texts: z.array(z.string()),
    maxBytes: z.number().int().positive(),
  }),
  z.strictObject({ kind: z.literal('figures'), id: idSchema, call: idSchema }),
  z.strictObject({ kind: z.literal('close'), id: idSchema, call: idSchema }),
  z.strictObject({ kind: z.literal('list-secrets'), id: idSchema }),
  z.strictObject({ kind: z.literal('set-secret'), id: idSchema, name: z.string(), value: bytes }),
  z.strictObject({ kind: z.literal('remove-secret'), id: idSchema, name: z.string() }),
  z.strictObject({ kind: z.literal('end'), id: idSchema }),
] as const

export const brokerRequestSchema = z.discriminatedUnion('kind', [
  brokerSetupSchema,
  z.strictObject({ kind: z.literal('cancel'), call: idSchema }),
  ...questions,
])
export type BrokerRequest = z.infer<typeof brokerRequestSchema>
export type BrokerQuestion = z.infer<(typeof questions)[number]>
/** What is read of a message that cannot be read, so that whoever asked is told. */
export const questionIdSchema = z.object({ id: idSchema })

const outputVerdictSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('passed'), text: z.string(), redactions: countSchema }),
  z.strictObject({ kind: z.literal('blocked') }),
  z.strictObject({ kind: z.literal('not-json') }),
])

const { egressBytes, totalBytesOut, bytesIn, httpRequests } = toolUsageSchema.shape
const callFiguresSchema = z.strictObject({
  egressBytes,
  totalBytesOut,
  bytesIn,
  httpRequests,
  lastStatus: z.number().int().nullable(),
  missingSecrets: z.array(secretNameSchema),
  trace: z.array(egressTraceSchema),
})

/** What answers each kind of question. */
export const brokerAnswers = {
  open: z.null(),
  http: httpHeadSchema,
  'send-body': z.boolean(),
  'read-body': bodyPartAnswerSchema,
  'read-workspace': z.string().nullable(),
  'secret-exists': z.boolean(),
  'scan-output': outputVerdictSchema,
  scrub: z.array(z.string()),
  figures: callFiguresSchema,
  close: callFiguresSchema,
  'list-secrets': z.array(secretViewSchema),
  'set-secret': z.null(),
  'remove-secret': z.null(),
  end: z.null(),
} as const satisfies Record<BrokerQuestion['kind'], z.ZodType>
export type BrokerAnswer<K extends BrokerQuestion['kind']> = z.infer<(typeof brokerAnswers)[K]>

const errorSchema = z.strictObject({
  code: z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value)),
  message: z.string(),
  remedy: z.string(),
})

export const brokerResponseSchema = z.discriminatedUnion('kind', [
  /** It was set up; `notice` is what the operator should know all the same. */
  z.strictObject({ kind: z.literal('ready'), notice: errorSchema.nullable() }),
  /** It could not be set up and ends. */
  z.strictObject({ kind: z.literal('unusable'), error: errorSchema }),
  z.strictObject({ kind: z.literal('answer'), id: idSchema, answer: z.unknown() }),
  z.strictObject({ kind: z.literal('failed'), id: idSchema, error: errorSchema }),
])
export type BrokerResponse = z.infer<typeof brokerResponseSchema>
