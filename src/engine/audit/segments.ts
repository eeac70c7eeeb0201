/** The files of the audit trail: lines are only ever added, and the oldest file goes when there is too much. */
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { errnoOf } from '../errno.ts'
import { auditEntrySchema, type AuditEntry } from '../../shared/domain/audit.ts'

/** A file is parsed at once on the main thread, so it is small. */
const segmentBytes = 256 * 1024
const maxSegments = 128

interface Segment {
  readonly file: string
  readonly firstId: number
  bytes: number
}

export class AuditSegments {
  private readonly directory: string
  private segments: Segment[] = []

  constructor(directory: string) {
    this.directory = directory
  }

  /** Finds what is kept and answers the highest id; -1 for none. Throws what the file system throws. */
  async open(): Promise<number> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const names = (await readdir(this.directory)).filter((name) => /^audit-\d{15}\.ndjson$/.test(name)).sort()
    this.segments = await Promise.all(
      names.map(async (name) => {
        const file = path.join(this.directory, name)
        return { file, firstId: Number(name.slice(6, 21)), bytes: (await stat(file)).size }
      }),
    )
    const last = this.segments.at(-1)
    if (last === undefined) return -1
    const text = await readFile(last.file, 'utf8')
    // A line that a crash cut off is ended, so that the next one stands by itself.
    if (text !== '' && !text.endsWith('\n')) {
      await appendFile(last.file, '\n')
      last.bytes += 1
    }
    return parse(text).at(-1)?.id ?? last.firstId
  }

  /** Adds entries, ascending by id. Throws what the file system throws. */
  async append(entries: readonly AuditEntry[]): Promise<void> {
    let batch: string[] = []
    for (const entry of entries) {
      const line = `${JSON.stringify(entry)}\n`
      const last = this.segments.at(-1)
      if (last === undefined || last.bytes >= segmentBytes) {
        await this.write(batch)
        batch = []
        await this.begin(entry.id)
      }
      const current = this.segments.at(-1)
      if (current !== undefined) current.bytes += Buffer.byteLength(line)
      batch.push(line)
    }
    await this.write(batch)
  }

  /** Entries with an id below `before` that `wanted` takes, newest first, at most `limit`. */
  async read(before: number, limit: number, wanted: (entry: AuditEntry) => boolean): Promise<AuditEntry[]> {
    const found: AuditEntry[] = []
    for (const segment of [...this.segments].reverse()) {
      if (segment.firstId >= before) continue
      const entries = parse(await textOf(segment.file))
      for (const entry of entries.reverse()) {
        if (entry.id < before && wanted(entry)) found.push(entry)
        if (found.length === limit) return found
      }
    }
    return found
  }

  private async write(lines: readonly string[]): Promise<void> {
    const last = this.segments.at(-1)
    if (last !== undefined && lines.length > 0) await appendFile(last.file, lines.join(''))
  }

  private async begin(firstId: number): Promise<void> {
    const file = path.join(this.directory, `audit-${String(firstId).padStart(15, '0')}.ndjson`)
    await writeFile(file, '', { mode: 0o600, flag: 'a' })
    this.segments.push({ file, firstId, bytes: 0 })
    while (this.segments.length > maxSegments) {
      const [oldest] = this.segments.splice(0, 1)
      if (oldest !== undefined) await rm(oldest.file, { force: true })
    }
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    // It was the oldest one and went while we looked.
    if (errnoOf(error) === 'ENOENT') return ''
    throw error
  }
}

/** Lines that are no entries are left out: somebody else wrote them, or a crash cut them off. */
function parse(text: string): AuditEntry[] {
  const entries: AuditEntry[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      const parsed = auditEntrySchema.safeParse(JSON.parse(line))
      if (parsed.success) entries.push(parsed.data)
    } catch {
      continue
    }
  }
  return entries
}
