/** The invariants of an event store (spec decider 12) on the event server: every message is read once. */
import type { IntegrityProblem, Projection, SnapshotInfo } from '../../../event-store/event-store.ts'
import { eventId } from '../../../event-store/identities.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { decodeDecision, lastRevisionOf, type StoredDecision } from './decision-message.ts'
import type { Server } from './server.ts'
import { endOf, type Subjects } from './subjects.ts'

const maxProblems = 100

export interface Findings {
  readonly ok: boolean
  readonly problems: readonly IntegrityProblem[]
  readonly more: boolean
}

export async function checkNatsIntegrity(
  server: Server,
  subjects: Subjects,
  snapshots: readonly SnapshotInfo[],
  projections: readonly Projection[],
): Promise<Findings> {
  const problems: IntegrityProblem[] = []
  const add = (invariant: IntegrityProblem['invariant'], detail: string): void => {
    problems.push({ invariant, detail })
  }
  const heads = new Map<string, number>()
  const commands = new Set<string>()
  const { last_seq: last } = await server.state()
  let sequence = 0
  for await (const message of server.messages(subjects.allEvents, 1, last, last)) {
    if (message.seq <= sequence) add('I6', `message ${message.seq} comes behind message ${sequence}`)
    sequence = message.seq
    let decision: StoredDecision
    try {
      decision = decodeDecision(message.data, message.seq)
    } catch (error) {
      if (!(error instanceof PaddockError)) throw error
      add('I2', error.message)
      continue
    }
    const { streamId, firstRevision, command, events } = decision
    if (subjects.stream(streamId) !== message.subject) {
      add('I1', `message ${message.seq} of stream ${streamId} lies under another stream`)
    }
    const head = heads.get(streamId) ?? 0
    if (firstRevision !== head + 1) {
      add('I1', `stream ${streamId}: revision ${firstRevision} follows revision ${head}`)
    }
    heads.set(streamId, lastRevisionOf(decision))
    if (command === null) continue
    if (commands.has(command.id)) add('I3', `command ${command.id} was carried out twice`)
    commands.add(command.id)
    if (events.some(({ id }, index) => id !== eventId(command.id, index))) {
      add('I3', `command ${command.id}: an event of its decision is not its own`)
    }
  }
  for (const { streamId, moduleVersion, revision } of snapshots) {
    const head = heads.get(streamId) ?? 0
    if (revision <= head) continue
    add(
      'I5',
      `stream ${streamId}: the snapshot of version ${moduleVersion} is of revision ${revision}, the head is ${head}`,
    )
  }
  const { isProtected, deleted } = await server.protection()
  if (!isProtected || deleted > 0) add('I7', `the server lets events be deleted; ${deleted} are gone`)
  for (const { name, position } of projections) {
    if (position > endOf(last)) add('I8', `projection ${name} is at ${position}, behind the last position`)
  }
  return {
    ok: problems.length === 0,
    problems: problems.slice(0, maxProblems),
    more: problems.length > maxProblems,
  }
}
