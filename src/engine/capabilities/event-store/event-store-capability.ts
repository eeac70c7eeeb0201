/**
 * The way from a guest thread to the event server. No guest imports it: the sandbox's own code asks, by the name that
 * its decider gave itself, since the versions of a decider share their streams (spec decider 1). The engine learned that
 * name when the decider was opened: a sandbox that asks for another decider's streams is refused.
 */
import { z } from 'zod'
import {
  eventStoreCapability,
  remoteMethods,
  type RemoteMethod,
  type RemoteReply,
} from '../../../event-store/remote.ts'
import { toErrorReport } from '../../../shared/errors.ts'
import { HostFailure, type Capability, type CapabilityFunction, type HostCallContext } from '../capability.ts'
import type { NatsEventStore } from './nats-event-store.ts'

export interface EventStoreCapabilityOptions {
  /** Name of the decider that a module opened, undefined for none. */
  readonly deciderOf: (module: string) => string | undefined
  /** The store of a decider, for the module that calls. Throws `store.*`. */
  readonly storeOf: (decider: string, context: HostCallContext) => Promise<NatsEventStore>
}

const deciderName = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => !/[@/\p{Cc}]/u.test(name))
const whole = z.number().int().min(0)
const text = z.string().max(4_096)
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const bytes = z.instanceof(Uint8Array)
const bounds = z.object({
  maxEvents: whole.min(1),
  maxBytes: whole.optional(),
  upTo: whole.optional(),
})
const version = z.object({ moduleVersion: text, artifact: hash })
const newEvent = z.object({ id: uuid, type: z.string().min(1).max(1_024), payload: bytes })
const headers = z.record(z.string(), z.string())
const command = z.object({ id: uuid, fingerprint: hash, type: text })
const guard = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('any') }),
  z.object({ kind: z.literal('exists') }),
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('at'), revision: whole.min(1) }),
])
const appendRequest = z.object({
  streamId: text,
  moduleVersion: text,
  guard,
  observed: whole,
  events: z.array(newEvent).min(1).max(1_000),
  headers,
  command: command.nullable(),
  snapshot: z.object({ artifact: hash, payload: bytes }).nullable(),
  discardSnapshot: z.boolean().optional(),
})
const recordedDecision = z.object({
  streamId: text,
  firstRevision: whole.min(1),
  events: z.array(newEvent).min(1),
  headers,
  command: command.extend({ moduleVersion: text, recordedAt: whole }).nullable(),
  recordedAt: whole,
})
const filter = z.object({ types: z.array(text).max(256).optional(), streamId: text.optional() })
const streamQuery = z.object({
  prefix: text.optional(),
  after: text.optional(),
  limit: whole.min(1).max(10_000),
})

/** What each method takes; a sandbox may be compromised. */
const parameters = {
  head: z.tuple([text]),
  read: z.tuple([text, whole.min(1), bounds]),
  history: z.tuple([text, version.nullable(), bounds]),
  findCommand: z.tuple([uuid]),
  commandOf: z.tuple([text, whole.min(1)]),
  getSnapshot: z.tuple([version.extend({ streamId: text })]),
  snapshotsOf: z.tuple([text]),
  feed: z.tuple([whole, filter, whole.min(1).max(10_000)]),
  streams: z.tuple([streamQuery]),
  projection: z.tuple([text]),
  projections: z.tuple([]),
  totals: z.tuple([]),
  integrityCheck: z.tuple([]),
  appendAll: z.tuple([z.array(appendRequest).max(256)]),
  restore: z.tuple([z.array(recordedDecision).max(1_000)]),
  deleteSnapshot: z.tuple([z.object({ streamId: text, moduleVersion: text })]),
  setProjection: z.tuple([text, whole, text.nullable()]),
  deleteProjection: z.tuple([text]),
} as const satisfies Record<RemoteMethod, z.ZodType>

/** The capability `event-store`, for engines whose operator chose an event server. */
export function createEventStoreCapability({ deciderOf, storeOf }: EventStoreCapabilityOptions): Capability {
  const functions = remoteMethods.map((method): [string, CapabilityFunction] => [
    method,
    async (args, context): Promise<RemoteReply> => {
      const decider = deciderName.safeParse(args[0])
      const parsed = parameters[method].safeParse(args.slice(1))
      if (!decider.success || !parsed.success) {
        throw new HostFailure(eventStoreCapability, 'invalid-input', `${method}: the arguments are wrong.`)
      }
      if (decider.data !== deciderOf(context.module)) {
        throw new HostFailure(eventStoreCapability, 'denied', 'These are the streams of another decider.')
      }
      // The guest is not at work meanwhile, and an append is never interrupted (spec decider 8).
      const resume = context.pauseDeadline()
      try {
        const store = await storeOf(decider.data, context)
        // The schema of the method has just said that these are its parameters.
        const methods = store as unknown as Record<
          RemoteMethod,
          (...args: readonly unknown[]) => Promise<unknown>
        >
        return { ok: true, value: await methods[method](...parsed.data) }
      } catch (error) {
        return { ok: false, error: toErrorReport(error, 'store.io') }
      } finally {
        resume()
      }
    },
  ])
  return { name: eventStoreCapability, functions: Object.fromEntries(functions) }
}
