/**
 * Finds the decision of a command by its id. The record of a command lies in its decision's own message, so both are
 * there or neither is. The index is derived: keys that point to messages, and a mark up to where every message has
 * been indexed. Whoever looks a command up first takes in what lies behind the mark, so a pointer that a dying
 * process never wrote is found by its successor.
 */
import { Buffer } from 'node:buffer'
import type { RecordedCommand } from '../../../event-store/event-store.ts'
import { commandOf, decodeDecision } from './decision-message.ts'
import type { Server } from './server.ts'
import { sequenceOf, type Subjects } from './subjects.ts'

/** Commands held in memory before they are written as keys. */
const flushedAt = 256
const parallelWrites = 32

export class CommandIndex {
  private readonly server: Server
  private readonly subjects: Subjects
  /** Commands of messages behind the written mark. */
  private readonly recent = new Map<string, RecordedCommand>()
  /** The last message whose command is known here; null before the mark was read. */
  private scanned: number | null = null
  private catchingUp: Promise<void> = Promise.resolve()

  constructor(server: Server, subjects: Subjects) {
    this.server = server
    this.subjects = subjects
  }

  /** What was recorded of a command in any message that is there now. Throws `store.*`. */
  async find(id: string): Promise<RecordedCommand | null> {
    await this.catchUp()
    const known = this.recent.get(id)
    if (known !== undefined) return known
    const pointer = await this.server.key(this.subjects.command(id))
    if (pointer === null) return null
    const message = await this.server.at(Number(text(pointer.data)))
    return message === null ? null : commandOf(decodeDecision(message.data, message.seq))
  }

  /** Notes a decision of our own; the next look-up need not read it again. */
  note(sequence: number, command: RecordedCommand | null): void {
    if (command !== null) this.recent.set(command.id, command)
    if (this.scanned === sequence - 1) this.scanned = sequence
  }

  /** Writes what is in memory, so that the next start has less to read. Throws `store.*`. */
  flush(): Promise<void> {
    this.catchingUp = this.catchingUp.catch(() => undefined).then(() => this.write())
    return this.catchingUp
  }

  private catchUp(): Promise<void> {
    this.catchingUp = this.catchingUp.catch(() => undefined).then(() => this.scan())
    return this.catchingUp
  }

  private async scan(): Promise<void> {
    if (this.scanned === null) {
      const mark = await this.server.key(this.subjects.indexed)
      this.scanned = mark === null ? 0 : Number(text(mark.data))
    }
    const { last_seq: last } = await this.server.state()
    const from = this.scanned + 1
    for await (const message of this.server.messages(this.subjects.allEvents, from, last, last - from + 1)) {
      const command = commandOf(decodeDecision(message.data, message.seq))
      if (command !== null) this.recent.set(command.id, command)
      this.scanned = Math.max(this.scanned, message.seq)
    }
    this.scanned = Math.max(this.scanned, last)
    if (this.recent.size >= flushedAt) await this.write()
  }

  private async write(): Promise<void> {
    const { scanned } = this
    if (scanned === null || this.recent.size === 0) return
    const commands = [...this.recent.values()]
    for (let from = 0; from < commands.length; from += parallelWrites) {
      await Promise.all(
        commands.slice(from, from + parallelWrites).map(async ({ id, lastPosition }) => {
          const sequence = sequenceOf(lastPosition)
          await this.server.setKey(this.subjects.command(id), Buffer.from(String(sequence)))
        }),
      )
    }
    // Only now: every message up to the mark has its pointer.
    await this.server.setKey(this.subjects.indexed, Buffer.from(String(scanned)))
    for (const { id } of commands) this.recent.delete(id)
  }
}

function text(data: Uint8Array): string {
  return Buffer.from(data).toString('utf8')
}
