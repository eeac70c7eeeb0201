/** Calls about tools, their calls and secrets (spec tools). */
import { z } from 'zod'
import { operationIdSchema, secretNameSchema } from '../../contracts/tool.ts'
import {
  secretViewSchema,
  toolCallLineSchema,
  toolCallSchema,
  toolServerViewSchema,
  toolViewSchema,
} from '../../domain/tool.ts'
import { call, stream } from '../define.ts'
import { bytes, moduleRef, nothing, slow } from './common.ts'

const callId = z.object({ id: z.string().min(1).max(64) })

/** JSON text of parameters: at most 4 MiB (spec tools 2). */
const params = z.string().max(4_194_304)

export const toolsIpc = {
  list: call(nothing, z.array(toolViewSchema)),
  /** The list whenever it changed, at most four times a second. */
  watch: stream(nothing, z.array(toolViewSchema)),
  /** Begins a call; its answer comes by `history` and `watchCalls`. Throws `tool.*` for what never became a call. */
  call: call(z.object({ operation: operationIdSchema, params, confirmed: z.boolean() }), callId, slow),
  /** False when it has ended already. */
  cancel: call(callId, z.boolean()),
  /** Newest first; `view` tells the rest of each. */
  history: call(
    z.object({
      module: moduleRef.shape.name.nullable(),
      before: z.string().max(64).nullable(),
      limit: z.number().int().min(1).max(500),
    }),
    z.array(toolCallLineSchema),
  ),
  /** Calls as their state changes. */
  watchCalls: stream(nothing, toolCallLineSchema),
  /** All of a call; null for one that is no longer kept. */
  view: call(callId, toolCallSchema.nullable()),
  /** Puts the output of a call on the clipboard, however long it is; false when there is none. */
  copyOutput: call(callId, z.boolean()),
  /** The operator's word on an operation, or null for what the tool declares. */
  setPermission: call(
    moduleRef.extend({
      operation: operationIdSchema,
      permission: z.enum(['allow', 'ask', 'deny']).nullable(),
    }),
    nothing,
  ),
  server: call(nothing, toolServerViewSchema),
  /** Starts or stops the server of tools; what is wrong with it is told as a condition. */
  setServer: call(z.object({ enabled: z.boolean() }), toolServerViewSchema),
  /** Shows the file with the server's token in the file manager. */
  revealToken: call(nothing, nothing),
}

export const secretsIpc = {
  list: call(nothing, z.array(secretViewSchema)),
  /** Write only: no call gives a value back. */
  set: call(z.object({ name: secretNameSchema, value: bytes }), nothing),
  remove: call(z.object({ name: secretNameSchema }), nothing),
  /** No host takes the grant back. */
  grant: call(
    moduleRef.extend({ secret: secretNameSchema, hosts: z.array(z.string().max(253)).max(64) }),
    nothing,
  ),
}
