import { z } from 'zod'
import { errorReportSchema } from '../domain/primitives.ts'

/** Every answer travels in this, so that errors keep their code across the boundary. */
export const envelopeSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), data: z.unknown() }),
  z.object({ ok: z.literal(false), error: errorReportSchema }),
])
export type Envelope = z.infer<typeof envelopeSchema>

/** The three channels everything goes through; the page never sees their names. */
export const channels = {
  /** invoke(group, name, input) → Envelope */
  call: 'paddock:call',
  /** send(group, name, payload), main → page */
  event: 'paddock:event',
  /** invoke('open' | 'close', …) and send(streamId, items, dropped), main → page */
  stream: 'paddock:stream',
} as const

/** Largest request main accepts, as JSON text length or bytes. */
export const maxRequestBytes = 1024 * 1024
