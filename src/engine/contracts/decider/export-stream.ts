/** One stream as NDJSON, read through the decider's sandbox: the lines of a whole export, of this stream only. */
import { open, rename, rm } from 'node:fs/promises'
import { decisionLine, decisionOf, endLine, headLine } from '../../../event-store/decision.ts'
import type { EventView } from '../../../shared/contracts/decider-views.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { DeciderService } from './decider-service.ts'

const pageEvents = 500

/**
 * Writes the events that a stream has now to `file`, which is there whole or not at all. Ids of commands are not part of
 * it. Throws `decider.unroutable`, `store.*`.
 */
export async function exportStream(
  deciders: Pick<DeciderService, 'read'>,
  reference: string,
  streamId: string,
  file: string,
): Promise<{ decisions: number; events: number }> {
  const carried = { decisions: 0, events: 0 }
  const partial = `${file}.partial`
  try {
    const target = await open(partial, 'w', 0o600)
    try {
      // A decider's name goes before the "@" of its version.
      await target.write(`${headLine(reference.split('@')[0] ?? reference)}\n`)
      let batch: EventView[] = []
      for await (const event of eventsOf(deciders, reference, streamId)) {
        batch.push(event)
        if (event.batchIndex < event.batchSize - 1) continue
        const decision = decisionOf(batch, null)
        if (decision !== null) await target.write(`${decisionLine(decision)}\n`)
        carried.decisions += 1
        carried.events += batch.length
        batch = []
      }
      await target.write(`${endLine(carried.decisions, carried.events)}\n`)
    } finally {
      await target.close()
    }
    await rename(partial, file)
    return carried
  } catch (error) {
    await rm(partial, { force: true })
    if (error instanceof PaddockError) throw error
    throw new PaddockError('store.io', 'The stream could not be written.', { cause: error })
  }
}

/** Up to the revision that was the last when reading began. */
async function* eventsOf(
  deciders: Pick<DeciderService, 'read'>,
  reference: string,
  streamId: string,
): AsyncGenerator<EventView> {
  let last: number | null = null
  for (let from = 1; last === null || from <= last;) {
    const answer = await deciders.read(reference, { kind: 'events', streamId, from, limit: pageEvents })
    if (answer.kind !== 'events') throw new PaddockError('internal.bug', 'Another question was answered.')
    last ??= answer.head
    if (answer.events.length === 0) return
    for (const event of answer.events) if (event.revision <= last) yield event
    from += answer.events.length
  }
}
