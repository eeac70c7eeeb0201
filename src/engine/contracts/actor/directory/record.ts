/** One line of the directory of actors. */
import { z } from 'zod'
import { actorGenerationSchema, actorIdSchema, actorKeySchema } from '../../../../shared/contracts/actor.ts'
import { timestampMsSchema } from '../../../../shared/domain/primitives.ts'

/** `destroying`: its files go; `destroyed`: only its generation is kept, which the next one with this id exceeds. */
export const actorRecordSchema = z.strictObject({
  id: actorIdSchema,
  key: actorKeySchema,
  generation: actorGenerationSchema,
  state: z.enum(['live', 'destroying', 'destroyed']),
  createdAt: timestampMsSchema,
  /** Whether `on-start(created)` has succeeded: until then a start is the first. */
  started: z.boolean(),
})
export type ActorRecord = z.infer<typeof actorRecordSchema>
