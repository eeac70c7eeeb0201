/** Kills processes that write into one event store at random moments, and checks what is left each time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import { eventId } from '../../src/event-store/identities.ts'
import { SqliteEventReader } from '../../src/event-store/sqlite/sqlite-reader.ts'

const script = resolve(import.meta.dirname, 'event-writer.ts')

export interface Acknowledged {
  readonly id: string
  readonly streamId: string
  readonly first: number
  readonly events: number
}

export interface CrashRun {
  /** A number in [0, 1). */
  readonly random: () => number
  readonly file: string
  readonly writers: number
  readonly streams: number
}

/** What stays between the rounds: every acknowledged decision, and every event as it was first seen. */
export interface CrashMemory {
  readonly acknowledged: Acknowledged[]
  conflicts: number
  readonly seen: Map<number, string>
}

export function crashMemory(): CrashMemory {
  return { acknowledged: [], conflicts: 0, seen: new Map() }
}

/** Starts the writers, kills each at a random moment after its first acknowledgement, and waits for their ends. */
export async function killWriters(
  { random, file, writers, streams }: CrashRun,
  memory: CrashMemory,
): Promise<void> {
  await Promise.all(
    Array.from({ length: writers }, async (_, index) => {
      const child = spawn(process.execPath, [script, file, String(index), String(streams)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let complaint = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
      const ended = once(child, 'exit')
      let isDying = false
      const lines = createInterface(child.stdout)
      lines.on('line', (line) => {
        // The last line may be cut by the kill.
        if (!line.endsWith('}')) return
        const said = JSON.parse(line) as Acknowledged | { conflict: string }
        if ('conflict' in said) memory.conflicts += 1
        else memory.acknowledged.push(said)
        if (isDying) return
        isDying = true
        setTimeout(() => child.kill('SIGKILL'), random() * 40)
      })
      const closed = once(lines, 'close')
      const [code] = (await ended) as [number | null]
      await closed
      if (code !== null) throw new Error(`A writer ended with ${code}: ${complaint}`)
    }),
  )
}

/** Throws unless I1 to I8 hold (spec decider 12): what the store itself can tell, and what only its callers know. */
export function mustHoldInvariants(file: string, memory: CrashMemory): void {
  const reader = SqliteEventReader.open(file)
  try {
    const report = reader.integrityCheck()
    if (!report.ok) throw new Error(`the store is not whole: ${JSON.stringify(report.problems)}`)
    // I3: every acknowledged command has its row and exactly its events.
    for (const { id, streamId, first, events } of memory.acknowledged) {
      const command = reader.findCommand(id)
      if (
        command?.streamId !== streamId ||
        command.firstRevision !== first ||
        command.lastRevision !== first + events - 1
      ) {
        throw new Error(`acknowledged command ${id} is recorded as ${JSON.stringify(command)}`)
      }
      const found = reader.read(streamId, first, { maxEvents: events }).events
      if (found.length !== events || found.some((event, index) => event.id !== eventId(id, index))) {
        throw new Error(`the events of acknowledged command ${id} are not its own`)
      }
    }
    mustBeUnchanged(file, memory)
  } finally {
    reader.close()
  }
}

/** I7: an event that was seen once is the same ever after. */
function mustBeUnchanged(file: string, memory: CrashMemory): void {
  const database = new Database(file, { readonly: true })
  try {
    const rows = database
      .prepare<[], { position: number; row: string }>(
        `SELECT position, printf('%d %d %s %s %s', stream, revision, hex(event_id), type, hex(payload)) AS row FROM events`,
      )
      .iterate()
    let count = 0
    for (const { position, row } of rows) {
      count += 1
      const before = memory.seen.get(position)
      if (before !== undefined && before !== row) throw new Error(`event ${position} has changed`)
      memory.seen.set(position, row)
    }
    if (count !== memory.seen.size) throw new Error(`${memory.seen.size - count} events are gone`)
  } finally {
    database.close()
  }
}
