/**
 * A process that writes decisions into an event store until it is killed, for tests: arguments are the file, a number
 * of its own and the number of streams. It prints a line for each decision that was acknowledged.
 */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { commandFingerprint, eventId } from '../../src/event-store/identities.ts'
import { SqliteEventStore } from '../../src/event-store/sqlite/sqlite-store.ts'
import type { AppendRequest } from '../../src/event-store/event-store.ts'

const [file = '', own = '0', streams = '4', limit = '1000000000'] = process.argv.slice(2)
const store = new SqliteEventStore({ path: file, module: 'demo', quotaBytes: null })

/** As the pipeline does it: what is decided depends on the head that was read. */
function decide(round: number): AppendRequest {
  const streamId = `s${(round * 7 + Number(own)) % Number(streams)}`
  const observed = store.head(streamId)?.revision ?? 0
  const id = randomUUID()
  const events = Array.from({ length: 1 + (round % 10) }, (_, index) => ({
    id: eventId(id, index),
    type: `demo.type.${index % 3}`,
    payload: Buffer.from(JSON.stringify({ own, round, index, filling: 'x'.repeat((round * 37) % 400) })),
  }))
  return {
    streamId,
    moduleVersion: '1.0.0',
    guard:
      round % 5 === 0
        ? { kind: 'any' }
        : observed === 0
          ? { kind: 'none' }
          : { kind: 'at', revision: observed },
    observed,
    events,
    headers: { writer: own },
    command: { id, type: 'demo.do', fingerprint: commandFingerprint('demo.do', Buffer.from(String(round))) },
    snapshot:
      round % 3 === 0
        ? { artifact: 'a'.repeat(64), payload: Buffer.from(JSON.stringify({ at: observed + events.length })) }
        : null,
  }
}

for (let round = 0; round < Number(limit); round += 1) {
  // Now and then several at once, as a group commit.
  const requests =
    round % 4 === 3 ? distinct([decide(round), decide(round + 1), decide(round + 2)]) : [decide(round)]
  const outcomes = store.appendAll(requests)
  const lines = outcomes.map((outcome, index) => {
    const { streamId, command, events } = requests[index] ?? {}
    switch (outcome.kind) {
      case 'appended':
        return JSON.stringify({
          id: command?.id,
          streamId,
          first: outcome.firstRevision,
          events: events?.length,
        })
      case 'conflict':
        return JSON.stringify({ conflict: outcome.reason })
      default:
        throw new Error(JSON.stringify(outcome))
    }
  })
  writeSync(1, `${lines.join('\n')}\n`)
}
store.close()

function distinct(requests: AppendRequest[]): AppendRequest[] {
  return requests.filter(
    ({ streamId }, index) => requests.findIndex((other) => other.streamId === streamId) === index,
  )
}
