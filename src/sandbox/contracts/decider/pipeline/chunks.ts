import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import type { GuestEnvelope } from '../guest/interfaces.ts'

/** Events in order, in parts of at most 500 events and 1 MiB of payload; one larger event stands alone (spec decider 4, step 9). */
export function chunksOf(events: readonly GuestEnvelope[]): GuestEnvelope[][] {
  const chunks: GuestEnvelope[][] = []
  let chunk: GuestEnvelope[] = []
  let bytes = 0
  for (const { type, payload } of events) {
    const isFull =
      chunk.length === deciderLimits.chunkEvents || bytes + payload.length > deciderLimits.chunkBytes
    if (chunk.length > 0 && isFull) {
      chunks.push(chunk)
      chunk = []
      bytes = 0
    }
    chunk.push({ type, payload })
    bytes += payload.length
  }
  if (chunk.length > 0) chunks.push(chunk)
  return chunks
}
