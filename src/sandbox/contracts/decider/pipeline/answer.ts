/** What a command that was carried out answers (spec decider 4, 7). */
import type { AppendOutcome, EventStoreReader, RecordedCommand } from '../../../../event-store/event-store.ts'
import type { Decided } from '../../../../shared/contracts/decider.ts'
import { chunkBounds } from './read.ts'
import type { Decision } from './attempt.ts'
import type { DeciderEnvironment } from './environment.ts'
import type { StatsRecorder } from './stats.ts'

export function decidedAnswer(
  { descriptor }: DeciderEnvironment,
  { execution, streamId, events }: Decision,
  appended: Extract<AppendOutcome, { kind: 'appended' }>,
): Decided {
  return {
    outcome: 'decided',
    module: descriptor.name,
    version: descriptor.version,
    commandType: execution.command.type,
    streamId,
    firstRevision: appended.firstRevision,
    lastRevision: appended.lastRevision,
    lastPosition: appended.lastPosition,
    events: events.map((event, index) => ({ ...event, revision: appended.firstRevision + index })),
    duplicate: false,
    stats: execution.stats.snapshot(),
  }
}

/** The same answer as the first time: what was recorded, whatever version decided it. */
export function recordedAnswer(
  { descriptor, store }: DeciderEnvironment,
  command: RecordedCommand,
  stats: StatsRecorder,
): Decided {
  const { streamId, firstRevision, lastRevision } = command
  return {
    outcome: 'decided',
    module: descriptor.name,
    version: command.moduleVersion,
    commandType: command.type,
    streamId,
    firstRevision,
    lastRevision,
    lastPosition: command.lastPosition,
    events: eventsBetween(store, streamId, firstRevision, lastRevision),
    duplicate: true,
    stats: stats.snapshot(),
  }
}

function eventsBetween(
  store: EventStoreReader,
  streamId: string,
  first: number,
  last: number,
): Decided['events'] {
  const events: Decided['events'] = []
  for (let from = first; from <= last;) {
    const page = store.read(streamId, from, { ...chunkBounds, upTo: last }).events
    if (page.length === 0) break
    for (const { id, type, payload, revision } of page)
      events.push({ id, type, payload: new Uint8Array(payload), revision })
    from += page.length
  }
  return events
}
