/** What an engine and the owner of its databases in another engine say to each other, in the newest form (spec actors-sql 12, 13). */
import { z } from 'zod'
import { openPayloadSchema } from '../../../../shared/contracts/actor.ts'
import { errorReportSchema } from '../../../../shared/domain/primitives.ts'

const id = z.number().int().positive()

/** Features by the version of the protocol that brought them. */
export const featureVersions = { sql: 1, batch: 2, 'key-value': 2, inspect: 2 } as const
export type Feature = keyof typeof featureVersions

/** Calls of the database, each with the feature it needs. A new one does not compile until it is listed here. */
export const methodFeatures = {
  exec: 'sql',
  execute: 'sql',
  begin: 'sql',
  commit: 'sql',
  rollback: 'sql',
  inTransaction: 'sql',
  info: 'sql',
  migrate: 'sql',
  endInvocation: 'sql',
  stats: 'sql',
  close: 'sql',
  batch: 'batch',
  keyGet: 'key-value',
  keySet: 'key-value',
  keyDelete: 'key-value',
  keyList: 'key-value',
  inspect: 'inspect',
  tables: 'inspect',
  rows: 'inspect',
} as const satisfies Record<string, Feature>
export type RemoteMethod = keyof typeof methodFeatures
export const remoteMethods = Object.keys(methodFeatures) as [RemoteMethod, ...RemoteMethod[]]

export function isRemoteMethod(name: string): name is RemoteMethod {
  return Object.hasOwn(methodFeatures, name)
}

const triple = {
  namespace: openPayloadSchema.shape.namespace,
  actorId: openPayloadSchema.shape.actorId,
  generation: openPayloadSchema.shape.generation,
}
/** Facts of an instance without its path, which the owner alone decides. */
export const remoteFactsSchema = openPayloadSchema.omit({ databasePath: true, placement: true })
export type RemoteFacts = z.infer<typeof remoteFactsSchema>

export const toHostSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    minimum: z.number().int(),
    maximum: z.number().int(),
    features: z.array(z.string().max(64)).max(64),
  }),
  /** This generation is current from now on. */
  z.strictObject({ type: z.literal('announce'), id, facts: remoteFactsSchema }),
  z.strictObject({ type: z.literal('retire'), id, ...triple }),
  z.strictObject({ type: z.literal('destroy'), id, ...triple }),
  z.strictObject({
    type: z.literal('sql'),
    id,
    ...triple,
    method: z.enum(remoteMethods),
    args: z.array(z.unknown()).max(8),
  }),
])
export type ToHost = z.infer<typeof toHostSchema>

/** The bridge's own outcome: a value, the guest's variant, a report, or a fault of ours. */
export const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('value'), value: z.unknown() }),
  z.strictObject({
    kind: z.literal('fault'),
    error: z.strictObject({ tag: z.string().max(64), val: z.unknown().optional() }),
  }),
  z.strictObject({ kind: z.literal('report'), error: errorReportSchema }),
  z.strictObject({ kind: z.literal('bug'), message: z.string().max(4_096) }),
])

export const sqlAnswerSchema = z.strictObject({
  outcome: outcomeSchema,
  inTransaction: z.boolean(),
  closed: z.boolean(),
})
export type SqlAnswer = z.infer<typeof sqlAnswerSchema>

export const toGuestSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('welcome'),
    version: z.number().int(),
    features: z.array(z.string().max(64)).max(64),
  }),
  /** The exchange ends: no version is common. */
  z.strictObject({ type: z.literal('refused'), error: errorReportSchema }),
  z.strictObject({ type: z.literal('done'), id, error: errorReportSchema.nullable() }),
  z.strictObject({ type: z.literal('answer'), id, answer: sqlAnswerSchema }),
])
export type ToGuest = z.infer<typeof toGuestSchema>

/** Largest message either side takes, in bytes: 8 MiB of values in base64, with what stands around them. */
export const maxMessageBytes = 24 * 1_048_576

/** A fault that the guest sees as a case of `sql-error`. */
export function faultAnswer(tag: string, val?: unknown): SqlAnswer {
  const error = val === undefined ? { tag } : { tag, val }
  return { outcome: { kind: 'fault', error }, inTransaction: false, closed: false }
}
