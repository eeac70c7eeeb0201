/** What both sides of the tool contract know (spec tools 1, 2, 7). */
import { z } from 'zod'

export const toolContractId = 'tool'

const mebibyte = 1_048_576

/** Why a tool or a request of it failed, as the contract spells it (spec tools 7). */
export const toolFailureKinds = [
  'auth-required',
  'input',
  'output-too-large',
  'executor',
  'network-denied',
  'client',
  'operation-failed',
] as const
export const toolFailureKindSchema = z.enum(toolFailureKinds)
export type ToolFailureKind = z.infer<typeof toolFailureKindSchema>

/** How a call that did not succeed is told to its caller (spec tools 7.2, 7.3). */
export const dispatchKinds = [
  'auth_required',
  'input_encode',
  'output_decode',
  'output_too_large',
  'output_blocked',
  'executor',
  'network_denied',
  'client',
  'operation_failed',
  'manifest',
  'method_missing',
  'guest',
  'memory',
  'resource',
  'undeclared_capability',
  'policy_denied',
  'cancelled',
] as const
export const dispatchKindSchema = z.enum(dispatchKinds)
export type DispatchKind = z.infer<typeof dispatchKindSchema>

export const httpMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const
export const operationEffects = [
  'network',
  'use_secret',
  'external_write',
  'read_workspace',
  'invoke_tool',
] as const

const rateSchema = z.strictObject({
  perMinute: z.number().int().positive(),
  perHour: z.number().int().positive(),
})
const millisSchema = z.number().int().positive()
const hostSchema = z.string().min(1).max(253)

export const httpRuleSchema = z.strictObject({
  scheme: z.enum(['https', 'http']),
  /** Lower-case ASCII; exact, or `*.` and a suffix for exactly one further label. */
  host: hostSchema,
  port: z.number().int().min(1).max(65_535),
  /** Begins with `/`; matches on segments. */
  pathPrefix: z.string().max(8_192),
  methods: z.array(z.enum(httpMethods)),
})
export type HttpRule = z.infer<typeof httpRuleSchema>

export const secretNameSchema = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/)

export const injectionSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bearer') }),
  z.strictObject({ type: z.literal('header'), name: z.string(), prefix: z.string() }),
  z.strictObject({ type: z.literal('query'), name: z.string() }),
  z.strictObject({ type: z.literal('basic'), username: z.string() }),
  z.strictObject({ type: z.literal('path'), placeholder: z.string() }),
])
export type Injection = z.infer<typeof injectionSchema>

export const credentialSchema = z.strictObject({
  secret: secretNameSchema,
  inject: injectionSchema,
  /** Literal hosts, each covered by an HTTP rule. */
  hosts: z.array(hostSchema).min(1),
  /** Empty for all paths of those hosts. */
  pathPrefixes: z.array(z.string()),
  required: z.boolean(),
})
export type CredentialRule = z.infer<typeof credentialSchema>

export const operationIdSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/)

export const toolOperationSchema = z.strictObject({
  /** Value of `capability_id` in the call's context. */
  id: operationIdSchema,
  description: z.string().max(4_096),
  effects: z.array(z.enum(operationEffects)),
  permission: z.enum(['allow', 'ask', 'deny']),
  /** Indices into the HTTP rules; absent for all. */
  allow: z.array(z.number().int().nonnegative()).optional(),
  /** Names of credentials; absent for all. */
  credentials: z.array(secretNameSchema).optional(),
})
export type ToolOperation = z.infer<typeof toolOperationSchema>

/** What a tool declares of itself, all defaults filled in (spec tools 2). Nothing of it is granted by being declared. */
export const toolDeclarationSchema = z.strictObject({
  limits: z.strictObject({
    timeoutMs: millisSchema.max(300_000),
    memoryBytes: z
      .number()
      .int()
      .positive()
      .max(256 * mebibyte),
    inputBytes: z
      .number()
      .int()
      .positive()
      .max(4 * mebibyte),
    outputBytes: z
      .number()
      .int()
      .positive()
      .max(10 * mebibyte),
  }),
  http: z.strictObject({
    timeoutMs: millisSchema.max(300_000),
    maxRequestBytes: z
      .number()
      .int()
      .positive()
      .max(10 * mebibyte),
    maxResponseBytes: z
      .number()
      .int()
      .positive()
      .max(10 * mebibyte),
    /** Sum over a call; null for no bound here. */
    maxEgressBytes: z.number().int().positive().nullable(),
    maxRedirects: z.number().int().min(0).max(3),
    requestsPerCall: z.number().int().positive(),
    rate: rateSchema,
    allow: z.array(httpRuleSchema),
  }),
  credentials: z.array(credentialSchema),
  /** Names of secrets whose existence the tool may ask for: exact, or with one trailing `*`. */
  visibleSecrets: z.array(z.string()),
  workspace: z.strictObject({
    /** `dir/` or an exact file; empty for nothing. */
    read: z.array(z.string()),
    maxFileBytes: z.number().int().positive(),
  }),
  tools: z.strictObject({
    callsPerCall: z.number().int().positive(),
    rate: rateSchema,
    /** Alias to the operation id of a tool. */
    alias: z.record(z.string(), operationIdSchema),
  }),
  operations: z.array(toolOperationSchema).min(1),
})
export type ToolDeclaration = z.infer<typeof toolDeclarationSchema>

/** Payload of the guest call `execute`. */
export const toolExecuteSchema = z.object({ params: z.string(), context: z.string() })
export type ToolExecute = z.infer<typeof toolExecuteSchema>

/** What the guest answered, as it came: everything in it is untrusted text. */
export const toolResponseSchema = z.discriminatedUnion('tag', [
  z.object({ tag: z.literal('success'), output: z.string() }),
  z.object({
    tag: z.literal('failure'),
    kind: toolFailureKindSchema,
    code: z.string().optional(),
    message: z.string().optional(),
  }),
])
export type ToolResponse = z.infer<typeof toolResponseSchema>

/** Schema and description, asked of the component once (spec tools 8). */
export const toolMetadataSchema = z.object({ schema: z.string(), description: z.string() })
export type ToolMetadata = z.infer<typeof toolMetadataSchema>

/** Capability and functions of the host calls that the guest bridges to the engine. */
export const toolCapability = 'tool-host'
export const toolHostFunctions = [
  'http-request',
  'send-body',
  'read-body',
  'workspace-read',
  'tool-invoke',
  'secret-exists',
] as const
export type ToolHostFunction = (typeof toolHostFunctions)[number]

export const httpFailureSchema = z.object({
  ok: z.literal(false),
  kind: toolFailureKindSchema,
  code: z.string().optional(),
  message: z.string().optional(),
  requestSent: z.boolean(),
})
export type HttpFailureAnswer = z.infer<typeof httpFailureSchema>

/** A whole answer, as the broker has it. */
export type HttpAnswer =
  | {
      readonly ok: true
      readonly status: number
      readonly headersJson: string
      readonly body: Uint8Array
    }
  | HttpFailureAnswer
