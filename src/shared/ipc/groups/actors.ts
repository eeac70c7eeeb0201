/** Calls about the actors of a module (spec actors-sql 16, 18). */
import { z } from 'zod'
import {
  actorGenerationSchema,
  actorIdSchema,
  actorInfoSchema,
  actorKeySchema,
} from '../../contracts/actor.ts'
import { exportManifestSchema, importAnswerSchema } from '../../contracts/actor-files.ts'
import {
  inspectAnswerSchema,
  inspectPayloadSchema,
  rowsAnswerSchema,
  rowsPayloadSchema,
  tablesAnswerSchema,
} from '../../contracts/actor-inspect.ts'
import { actorPageSchema, actorViewSchema } from '../../domain/actor.ts'
import { errorReportSchema, sha256Schema } from '../../domain/primitives.ts'
import { call } from '../define.ts'
import { bytes, moduleRef, nothing, path, slow } from './common.ts'

/** An actor of a module, by the id that lists show; with the generation it must have, if any. */
const actorRef = moduleRef.extend({ id: actorIdSchema, generation: actorGenerationSchema.optional() })

export const actorsIpc = {
  /** A page in the order of ids. */
  list: call(
    moduleRef.extend({ after: actorIdSchema.nullable(), limit: z.number().int().min(1).max(1_000) }),
    actorPageSchema,
  ),
  /** Actors with a text in their key, in any case: those that are awake first, then by key; there is no next page. */
  search: call(
    moduleRef.extend({ contains: z.string().max(1_024), limit: z.number().int().min(1).max(1_000) }),
    actorPageSchema,
  ),
  /** One actor by its key, or null. */
  view: call(moduleRef.extend({ key: actorKeySchema.min(1) }), actorViewSchema.nullable()),
  /** Sends a request by key; an actor that is not there is made. The guest's own error is an answer. */
  request: call(
    moduleRef.extend({
      key: actorKeySchema.min(1),
      method: z.string().min(1).max(1_024),
      payload: bytes,
    }),
    z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), answer: bytes }),
      z.object({ ok: z.literal(false), error: errorReportSchema }),
    ]),
    slow,
  ),
  sleep: call(actorRef, nothing, slow),
  destroy: call(actorRef, nothing, slow),
  tables: call(actorRef, tablesAnswerSchema, slow),
  rows: call(actorRef.extend(rowsPayloadSchema.shape), rowsAnswerSchema, slow),
  /** A reading statement; anything that writes is refused. */
  query: call(actorRef.extend(inspectPayloadSchema.shape), inspectAnswerSchema, slow),
  /** Statements, sizes and slow statements of the running instance. */
  info: call(actorRef, actorInfoSchema, slow),
  /** Shows the system's save dialog; null when cancelled. */
  pickTarget: call(z.object({ suggestion: z.string().max(255) }), path.nullable(), { timeoutMs: 86_400_000 }),
  /** Shows the system's open dialog; null when cancelled. */
  pickSource: call(nothing, path.nullable(), { timeoutMs: 86_400_000 }),
  /** Writes rows that the console shows to a file of the operator's choice; null when cancelled. */
  saveRows: call(
    z.object({ suggestion: z.string().max(255), text: z.string().max(400_000) }),
    path.nullable(),
    {
      timeoutMs: 86_400_000,
    },
  ),
  /** Copies the database while the actor runs. */
  backup: call(actorRef.extend({ path }), z.object({ pages: z.number().int() }), slow),
  export: call(actorRef.extend({ path }), exportManifestSchema, slow),
  /** Puts an exported file in place of the actor's database; the digest is read beside it when it is not given. */
  import: call(actorRef.extend({ path, sha256: sha256Schema.nullable() }), importAnswerSchema, slow),
} as const
