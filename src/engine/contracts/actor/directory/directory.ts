/**
 * Which actors a namespace has, and their generations: a journal of lines, each synced to disk before it counts, so that
 * no instance runs on a generation that a crash would hand out again (spec actors-sql 1, 3).
 */
import { mkdir, open, readFile, rename, writeFile, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import { errnoOf } from '../../../errno.ts'
import { actorRecordSchema, type ActorRecord } from './record.ts'

/** Lines beyond one for each actor before the journal is written anew. */
const slackLines = 1_000
const mostGeneration = 0xffff_ffff

export interface DirectoryOptions {
  readonly file: string
  /** A line could not be read: what stands in others is kept. */
  readonly onDamage: (report: ErrorReport) => void
}

export class ActorDirectory {
  private readonly options: DirectoryOptions
  private readonly records = new Map<string, ActorRecord>()
  private handle: FileHandle | undefined
  private lines = 0
  private waiting: {
    readonly text: string
    readonly done: () => void
    readonly fail: (error: unknown) => void
  }[] = []
  private writing: Promise<void> | undefined

  constructor(options: DirectoryOptions) {
    this.options = options
  }

  /** Reads the journal and takes it over. Throws `state.unwritable`. */
  async open(): Promise<void> {
    const { file } = this.options
    try {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      this.read(await readIfThere(file))
      await this.compact()
    } catch (cause) {
      throw new PaddockError('state.unwritable', `The directory of actors ${file} cannot be written.`, {
        cause,
      })
    }
  }

  get(id: string): ActorRecord | undefined {
    return this.records.get(id)
  }

  /** Actors that are not destroyed, in the order of their ids. */
  live(): ActorRecord[] {
    return [...this.records.values()]
      .filter(({ state }) => state !== 'destroyed')
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Actors whose destruction was begun and not ended. */
  unfinished(): ActorRecord[] {
    return [...this.records.values()].filter(({ state }) => state === 'destroying')
  }

  /** Puts the record in place of the one before; settles once it is on disk. Throws `state.unwritable`. */
  async put(record: ActorRecord): Promise<void> {
    if (record.generation > mostGeneration) {
      throw new PaddockError('internal.bug', `Actor ${record.id} has no generation left.`)
    }
    this.records.set(record.id, record)
    try {
      await this.append(`${JSON.stringify(record)}\n`)
    } catch (cause) {
      throw new PaddockError('state.unwritable', 'The directory of actors cannot be written.', { cause })
    }
  }

  /** Settles once everything put is on disk and the file closed. */
  async close(): Promise<void> {
    while (this.writing !== undefined) await this.writing
    await this.handle?.close()
    this.handle = undefined
  }

  private read(text: string): void {
    const lines = text.split('\n')
    // What stands behind the last line break was not synced: a crash cut it.
    lines.pop()
    let damaged = 0
    for (const line of lines) {
      const record = parse(line)
      if (record === undefined) {
        damaged += 1
        continue
      }
      const known = this.records.get(record.id)
      if (known === undefined || known.generation <= record.generation) this.records.set(record.id, record)
    }
    if (damaged === 0) return
    const details = { file: this.options.file, lines: damaged }
    this.options.onDamage(
      new PaddockError('state.corrupt', `${damaged} lines of the directory of actors cannot be read.`, {
        details,
        remedy: 'Look which actors are missing; their files are still there.',
      }).toReport(),
    )
  }

  /** Writes the journal anew, beside the old one and then in its place. */
  private async compact(): Promise<void> {
    const { file } = this.options
    const part = `${file}.part`
    const text = [...this.records.values()].map((record) => `${JSON.stringify(record)}\n`).join('')
    await writeFile(part, text, { mode: 0o600 })
    const handle = await open(part, 'a', 0o600)
    await handle.datasync()
    await rename(part, file)
    await this.handle?.close()
    this.handle = handle
    this.lines = this.records.size
  }

  /** Lines that come while others are written go out together, with one sync. */
  private append(text: string): Promise<void> {
    return new Promise((done, fail) => {
      this.waiting.push({ text, done, fail })
      this.writing ??= this.write().finally(() => {
        this.writing = undefined
      })
    })
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting
      this.waiting = []
      try {
        if (this.handle === undefined) throw new PaddockError('internal.bug', 'The directory is closed.')
        await this.handle.appendFile(batch.map(({ text }) => text).join(''))
        await this.handle.datasync()
        this.lines += batch.length
        if (this.lines > this.records.size + slackLines) await this.compact()
        for (const { done } of batch) done()
      } catch (error) {
        for (const { fail } of batch) fail(error)
      }
    }
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw error
  }
}

function parse(line: string): ActorRecord | undefined {
  try {
    const parsed = actorRecordSchema.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
