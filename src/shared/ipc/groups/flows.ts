/** Calls about flows (spec flows). */
import { z } from 'zod'
import { flowEndSchema, flowLevelSchema, traceSpanSchema } from '../../contracts/flow.ts'
import {
  flowAskSchema,
  flowGraphSchema,
  flowIdSchema,
  flowProblemSchema,
  flowViewSchema,
} from '../../domain/flow.ts'
import { call, stream } from '../define.ts'
import { nothing, path, slow } from './common.ts'

const flowRef = z.object({ id: flowIdSchema })
/** A flow file: at most 1 MiB. */
const flowText = z.string().max(1_048_576)
const checked = z.object({ problems: z.array(flowProblemSchema), graphs: z.array(flowGraphSchema) })

export const flowsIpc = {
  list: call(nothing, z.array(flowViewSchema)),
  /** The list whenever it changed, at most four times a second. */
  watch: stream(nothing, z.array(flowViewSchema)),
  /** Shows the system's open dialog for a flow file or its folder; null when cancelled. */
  pick: call(z.object({ kind: z.enum(['file', 'folder']) }), path.nullable(), { timeoutMs: 86_400_000 }),
  /** Judges a flow file, or `text` as if it stood there. */
  check: call(z.object({ path, text: flowText.nullable(), components: z.boolean() }), checked, slow),
  /** What a flow wants granted; it must be in `granted` of `add`. */
  asks: call(z.object({ path, flow: z.string().max(64).nullable() }), z.array(flowAskSchema), slow),
  add: call(
    z.object({ path, flow: z.string().max(64).nullable(), granted: z.array(z.string().max(256)).max(64) }),
    flowViewSchema,
    slow,
  ),
  remove: call(flowRef, nothing, slow),
  reload: call(flowRef, flowViewSchema, slow),
  text: call(flowRef, flowText),
  save: call(flowRef.extend({ text: flowText }), flowViewSchema, slow),
  start: call(flowRef.extend({ elementLimit: z.number().int().positive().nullable() }), nothing, slow),
  pause: call(flowRef, nothing),
  resume: call(flowRef, nothing),
  drain: call(flowRef, flowEndSchema.pick({ state: true, failure: true, leaked: true }), slow),
  cancel: call(flowRef, flowEndSchema.pick({ state: true, failure: true, leaked: true }), slow),
  setLevel: call(flowRef.extend({ level: flowLevelSchema, traceRate: z.number().min(0).max(1) }), nothing),
  /** Spans of the flow as they come, those kept so far first. */
  watchTrace: stream(flowRef, traceSpanSchema),
}
