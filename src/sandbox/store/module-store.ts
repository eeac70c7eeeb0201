/**
 * A module's key-value store (spec nexum-host 8.5), on the guest thread: one call, one transaction.
 *
 * In mode `event` everything a call writes is committed with its sequence number and cursor, or not at
 * all. In mode `call` each write is durable when it returns; only sequence and cursor wait for the end.
 */
import type { Database, Statement } from 'better-sqlite3'
import type { PaddockError } from '../../shared/errors.ts'
import {
  cursorProgressPrefix,
  entryOverheadBytes,
  maxKeyBytes,
  prefixEnd,
  sequenceProgress,
  storeStatements,
} from '../../shared/store/schema.ts'
import { HostRefusal } from '../host-refusal.ts'
import { storeError } from '../../shared/store/errors.ts'
import { openDatabase } from './open-database.ts'

export interface StoreOptions {
  readonly path: string
  readonly module: string
  readonly quotaBytes: number
  readonly durability: 'event' | 'call'
}

/** Position of an event's source. */
export interface Cursor {
  readonly source: string
  readonly value: string
}

const domain = 'local-store'

export class ModuleStore {
  /** What the operator should know of how the store was opened. */
  readonly warning: PaddockError | undefined
  private readonly database: Database
  private readonly quotaBytes: number
  private readonly transactional: boolean
  private readonly getValue: Statement<[Buffer], Buffer>
  private readonly getValueLength: Statement<[Buffer], number>
  private readonly setValue: Statement<[Buffer, Uint8Array]>
  private readonly deleteKey: Statement<[Buffer]>
  private readonly listFrom: Statement<[Uint8Array], Buffer>
  private readonly listBetween: Statement<[Uint8Array, Uint8Array], Buffer>
  private readonly beginStatement: Statement<[]>
  private readonly commitStatement: Statement<[]>
  private readonly rollbackStatement: Statement<[]>
  private readonly setProgress: Statement<[string, string]>
  private used: number
  private usedAtBegin: number
  private writeCount = 0
  /** A call that writes nothing is under way. */
  private reading = false
  /** A write of the open transaction failed inside SQLite: it must not be committed. */
  private doomed: PaddockError | undefined

  constructor(options: StoreOptions) {
    const { database, warning } = openDatabase(options.path, options.module)
    this.database = database
    this.warning = warning
    this.quotaBytes = options.quotaBytes
    this.transactional = options.durability === 'event'
    const pluck = <P extends unknown[], R>(sql: string): Statement<P, R> =>
      database.prepare<P, R>(sql).pluck()
    this.getValue = pluck(storeStatements.getValue)
    this.getValueLength = pluck(storeStatements.getValueLength)
    this.setValue = database.prepare(storeStatements.set)
    this.deleteKey = database.prepare(storeStatements.delete)
    this.listFrom = pluck(storeStatements.listKeysFrom)
    this.listBetween = pluck(storeStatements.listKeysBetween)
    this.beginStatement = database.prepare('BEGIN IMMEDIATE')
    this.commitStatement = database.prepare('COMMIT')
    this.rollbackStatement = database.prepare('ROLLBACK')
    this.setProgress = database.prepare(storeStatements.setProgress)
    // Counted anew on every opening: it cannot drift, and takes milliseconds.
    this.used = database.prepare<[], { bytes: number }>(storeStatements.totals).get()?.bytes ?? 0
    this.usedAtBegin = this.used
  }

  /** Bytes of the staged view by the cost formula. */
  get usedBytes(): number {
    return this.used
  }

  /** Successful writes of the running or last call. */
  get writes(): number {
    return this.writeCount
  }

  /** Sequence of the last committed call, -1 in a new store, and the committed position of every event source. */
  progress(): { readonly lastSequence: number; readonly cursors: Record<string, string> } {
    const rows = this.database.prepare<[], { name: string; value: string }>(storeStatements.getProgress).all()
    const sequence = rows.find(({ name }) => name === sequenceProgress)
    const cursors = rows
      .filter(({ name }) => name.startsWith(cursorProgressPrefix))
      .map(({ name, value }) => [name.slice(cursorProgressPrefix.length), value] as const)
    return {
      lastSequence: sequence === undefined ? -1 : Number(sequence.value),
      cursors: Object.fromEntries(cursors),
    }
  }

  /** Begins a call. Throws `store.*`. */
  begin(): void {
    this.writeCount = 0
    this.usedAtBegin = this.used
    this.doomed = undefined
    if (!this.transactional) return
    try {
      this.beginStatement.run()
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Begins a call that sees what is committed and writes nothing. Throws `store.*`. */
  beginReading(): void {
    this.begin()
    this.reading = true
  }

  /** Ends such a call. Never throws. */
  endReading(): void {
    this.reading = false
    this.rollback()
  }

  /** Commits the call with its number and cursor. Throws `store.*` with everything rolled back. */
  commit(sequence: number, cursor: Cursor | null): void {
    if (this.doomed !== undefined) {
      const reason = this.doomed
      this.rollback()
      throw reason
    }
    try {
      if (!this.transactional) this.beginStatement.run()
      this.note(sequence, cursor)
      this.commitStatement.run()
    } catch (error) {
      this.rollback()
      throw storeError(error)
    }
  }

  /** Undoes what the call wrote since `begin`; in mode `call` its writes stay. Never throws. */
  rollback(): void {
    this.doomed = undefined
    // SQLite rolls back by itself after some errors, a full disk for instance.
    try {
      if (this.database.inTransaction) this.rollbackStatement.run()
    } catch {
      // The transaction stays open and is never committed: the next call fails to begin, and closing rolls back.
    }
    if (this.transactional) this.used = this.usedAtBegin
  }

  /** Undoes what the call wrote but notes that it is done with, since the event is not sent again. Throws `store.*`. */
  rollbackAndNote(sequence: number, cursor: Cursor | null): void {
    this.rollback()
    try {
      this.beginStatement.run()
      this.note(sequence, cursor)
      this.commitStatement.run()
    } catch (error) {
      this.rollback()
      throw storeError(error)
    }
  }

  /** The value under `key`. Throws `HostRefusal`. */
  get(key: string): Uint8Array | undefined {
    const keyBytes = checkedKey(key)
    return this.read(() => this.getValue.get(keyBytes))
  }

  /** Puts `value` under `key`. Throws `HostRefusal`; then nothing changed. */
  set(key: string, value: Uint8Array): void {
    this.refuseWhileReading()
    const keyBytes = checkedKey(key)
    const cost = entryOverheadBytes + keyBytes.length + value.length
    if (cost > this.quotaBytes) throw HostRefusal.of(domain, 'invalid-input', 1, 'entry can never fit')
    const oldLength = this.read(() => this.getValueLength.get(keyBytes))
    const oldCost = oldLength === undefined ? 0 : entryOverheadBytes + keyBytes.length + oldLength
    if (this.used - oldCost + cost > this.quotaBytes) {
      throw HostRefusal.of(domain, 'invalid-input', 1, 'state quota exceeded')
    }
    this.write(() => this.setValue.run(keyBytes, value))
    this.used += cost - oldCost
    this.writeCount += 1
  }

  /** Removes `key` if it is there. Throws `HostRefusal`. */
  delete(key: string): void {
    this.refuseWhileReading()
    const keyBytes = checkedKey(key)
    const oldLength = this.read(() => this.getValueLength.get(keyBytes))
    if (oldLength === undefined) return
    this.write(() => this.deleteKey.run(keyBytes))
    this.used -= entryOverheadBytes + keyBytes.length + oldLength
    this.writeCount += 1
  }

  /** Keys that start with `prefix`, ascending by their UTF-8 bytes. Throws `HostRefusal`. */
  listKeys(prefix: string): string[] {
    // A longer prefix than any key is no mistake: it matches nothing.
    const from = Buffer.from(prefix, 'utf8')
    const end = prefixEnd(from)
    const keys = this.read(() =>
      end === undefined ? this.listFrom.all(from) : this.listBetween.all(from, end),
    )
    return keys.map((key) => key.toString('utf8'))
  }

  /** Rolls back what is open, moves the write-ahead log into the file and closes it. Throws `store.*`. */
  close(): void {
    if (!this.database.open) return
    this.rollback()
    try {
      this.database.pragma('wal_checkpoint(TRUNCATE)')
    } catch (error) {
      throw storeError(error)
    } finally {
      this.database.close()
    }
  }

  private refuseWhileReading(): void {
    if (this.reading) throw HostRefusal.of(domain, 'denied', 0, 'a query writes nothing')
  }

  private note(sequence: number, cursor: Cursor | null): void {
    this.setProgress.run(sequenceProgress, String(sequence))
    if (cursor !== null) this.setProgress.run(cursorProgressPrefix + cursor.source, cursor.value)
  }

  private read<T>(action: () => T): T {
    try {
      return action()
    } catch (error) {
      return this.fail(error)
    }
  }

  private write(action: () => unknown): void {
    try {
      action()
    } catch (error) {
      this.fail(error)
    }
  }

  /** The guest learns of an internal error (spec nexum-host 7.2); its transaction can no longer be committed. */
  private fail(thrown: unknown): never {
    if (this.transactional) this.doomed ??= storeError(thrown)
    throw HostRefusal.of(domain, 'internal', 0, 'the store is not available')
  }
}

function checkedKey(key: string): Buffer {
  const bytes = Buffer.from(key, 'utf8')
  if (bytes.length > maxKeyBytes) {
    throw HostRefusal.of(domain, 'invalid-input', 0, `key longer than ${maxKeyBytes} bytes`)
  }
  return bytes
}
