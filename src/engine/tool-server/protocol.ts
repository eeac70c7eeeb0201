/** What the engine and the thread of its tool server say to each other; both ends check. */
import { z } from 'zod'
import { toolCallSchema, toolViewSchema } from '../../shared/domain/tool.ts'
import { errorReportSchema } from '../../shared/domain/primitives.ts'

const id = z.number().int().nonnegative()

export const serverStartSchema = z.object({
  port: z.number().int().min(0).max(65_535),
  token: z.string().min(16),
  version: z.string(),
})
export type ServerStart = z.infer<typeof serverStartSchema>

/** From the thread to the engine. */
export const fromServerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listening'), url: z.string() }),
  z.object({ kind: z.literal('failed-to-listen'), error: errorReportSchema }),
  z.object({ kind: z.literal('list'), id }),
  z.object({
    kind: z.literal('call'),
    id,
    operation: z.string(),
    params: z.string(),
    caller: z.enum(['http', 'mcp']),
  }),
  z.object({ kind: z.literal('cancel'), id }),
  z.object({ kind: z.literal('closed') }),
])
export type FromServer = z.infer<typeof fromServerSchema>

/** From the engine to the thread. */
export const toServerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listed'), id, tools: z.array(toolViewSchema) }),
  z.object({ kind: z.literal('state'), id, state: toolCallSchema.shape.state }),
  z.object({ kind: z.literal('called'), id, call: toolCallSchema }),
  z.object({ kind: z.literal('failed'), id, error: errorReportSchema }),
  z.object({ kind: z.literal('changed') }),
  z.object({ kind: z.literal('close') }),
])
export type ToServer = z.infer<typeof toServerSchema>
