/**
 * The ledger on disk: a snapshot, replaced atomically, and a journal of what came after it. Snapshot and journal belong
 * together by generation: a crash between writing one and beginning the other leaves a state that reads right.
 */
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import { errnoOf } from '../errno.ts'
import type { WindowUse } from './meter.ts'

/** Rises when what is written changes its meaning; a file with a higher one is not touched (spec tools 12). */
export const ledgerVersion = 1

const useSchema = z.strictObject({ window: z.string(), used: z.number().nonnegative() })
const holdSchema = z.strictObject({
  id: z.string(),
  account: z.string(),
  epoch: z.number().int(),
  since: z.number(),
})
const snapshotSchema = z.strictObject({
  version: z.literal(ledgerVersion),
  generation: z.number().int().positive(),
  epoch: z.number().int().nonnegative(),
  uses: z.record(z.string(), z.array(useSchema)),
  holds: z.array(holdSchema),
})
const deferredSchema = z.strictObject({
  version: z.literal(ledgerVersion),
  /** Of the snapshot that it is newer than; with the next one it is over. */
  generation: z.number().int().nonnegative(),
  uses: z.record(z.string(), z.array(useSchema)),
  ended: z.array(z.string()),
})
const lineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('use'), key: z.string(), ...useSchema.shape }),
  z.strictObject({ kind: z.literal('hold'), ...holdSchema.shape }),
  z.strictObject({ kind: z.literal('end'), id: z.string() }),
])

/** A hold that somebody had when the ledger was written. */
export type StoredHold = z.infer<typeof holdSchema>
export type JournalLine = z.infer<typeof lineSchema>

export interface LedgerContent {
  /** Of the engine that wrote it; each start has a higher one. */
  readonly epoch: number
  readonly uses: ReadonlyMap<string, readonly WindowUse[]>
  readonly holds: readonly StoredHold[]
}

/** Settlements that the ledger could not take: what is used by now, absolute, and the holds that are over. */
export interface DeferredSettlements {
  readonly uses: ReadonlyMap<string, readonly WindowUse[]>
  readonly ended: readonly string[]
}

/** Where the ledger keeps what it knows. */
export interface LedgerStorage {
  /** What was kept; null when nothing was. Throws `governor.ledger_unusable` when it is damaged or of a newer Paddock. */
  read(): Promise<LedgerContent | null>
  /** Replaces everything. Throws `store.*`. */
  writeSnapshot(content: LedgerContent): Promise<void>
  /** Adds to what the last snapshot said. Throws `store.*`; the journal then needs a snapshot before it goes on. */
  append(lines: readonly JournalLine[]): Promise<void>
  /** Keeps, in a file of its own, what could not be written otherwise. Throws `store.*`. */
  writeDeferred(deferred: DeferredSettlements): Promise<void>
  /** Moves what cannot be used out of the way; answers where to. Throws `store.*`. */
  setAside(suffix: string): Promise<void>
  close(): Promise<void>
}

export class LedgerFiles implements LedgerStorage {
  private readonly directory: string
  private readonly snapshot: string
  private readonly deferred: string
  private generation = 0
  private journal: FileHandle | undefined

  constructor(directory: string) {
    this.directory = directory
    this.snapshot = path.join(directory, 'ledger.json')
    this.deferred = path.join(directory, 'deferred.json')
  }

  async read(): Promise<LedgerContent | null> {
    const text = await readIfThere(this.snapshot)
    const deferred = await readIfThere(this.deferred)
    if (text === null && deferred === null) return null
    const { generation, epoch, uses, holds } = text === null ? nothingKept : this.parseSnapshot(text)
    this.generation = generation
    const content = {
      epoch,
      uses: new Map<string, WindowUse[]>(Object.entries(uses)),
      holds: new Map(holds.map((hold) => [hold.id, hold])),
    }
    const journal = await readIfThere(this.journalPath(generation))
    for (const line of journal === null ? [] : this.parseJournal(journal)) applyLine(content, line)
    if (deferred !== null) this.applyDeferred(content, deferred)
    return { ...content, holds: [...content.holds.values()] }
  }

  async writeSnapshot(content: LedgerContent): Promise<void> {
    const before = this.generation
    const generation = before + 1
    const text = JSON.stringify({
      version: ledgerVersion,
      generation,
      epoch: content.epoch,
      uses: Object.fromEntries(content.uses),
      holds: content.holds,
    })
    await this.attempt(async () => {
      await mkdir(this.directory, { recursive: true, mode: 0o700 })
      await this.closeJournal()
      // A leftover of a write that failed half-way must not be read as this generation's journal.
      await rm(this.journalPath(generation), { force: true })
      await writeDurably(`${this.snapshot}.new`, text)
      await rename(`${this.snapshot}.new`, this.snapshot)
      this.generation = generation
      this.journal = await open(this.journalPath(generation), 'a', 0o600)
      await rm(this.journalPath(before), { force: true })
      await rm(this.deferred, { force: true })
    })
  }

  async writeDeferred({ uses, ended }: DeferredSettlements): Promise<void> {
    const { generation } = this
    const text = JSON.stringify({ version: ledgerVersion, generation, uses: Object.fromEntries(uses), ended })
    await this.attempt(async () => {
      await mkdir(this.directory, { recursive: true, mode: 0o700 })
      await writeDurably(`${this.deferred}.new`, text)
      await rename(`${this.deferred}.new`, this.deferred)
    })
  }

  async append(lines: readonly JournalLine[]): Promise<void> {
    await this.attempt(async () => {
      const { journal } = this
      if (journal === undefined) throw new PaddockError('store.io', 'The budget journal is not open.')
      await journal.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      await journal.datasync()
    })
  }

  async setAside(suffix: string): Promise<void> {
    await this.attempt(async () => {
      await this.closeJournal()
      await rename(this.snapshot, `${this.snapshot}.${suffix}`)
      await rename(this.deferred, `${this.deferred}.${suffix}`).catch(() => undefined)
      const journal = this.journalPath(this.generation)
      await rename(journal, `${journal}.${suffix}`).catch(() => undefined)
    })
    this.generation = 0
  }

  async close(): Promise<void> {
    await this.attempt(() => this.closeJournal())
  }

  private journalPath(generation: number): string {
    return path.join(this.directory, `journal-${generation}.jsonl`)
  }

  private async closeJournal(): Promise<void> {
    const { journal } = this
    this.journal = undefined
    await journal?.close()
  }

  /** One that a later snapshot has taken in says nothing new. */
  private applyDeferred(content: MutableContent, text: string): void {
    const parsed = deferredSchema.safeParse(parseJson(text))
    if (!parsed.success) throw damaged('list of deferred settlements')
    const { generation, uses, ended } = parsed.data
    if (generation !== this.generation) return
    for (const [key, windows] of Object.entries(uses)) content.uses.set(key, windows)
    for (const id of ended) content.holds.delete(id)
  }

  private parseSnapshot(text: string): z.infer<typeof snapshotSchema> {
    const json = parseJson(text)
    const version = z.looseObject({ version: z.number() }).safeParse(json)
    if (version.success && version.data.version > ledgerVersion) {
      throw new PaddockError(
        'governor.ledger_unusable',
        'The budget ledger was written by a newer Paddock.',
        {
          remedy: 'Use the newer version, or set the ledger aside and begin a new one.',
        },
      )
    }
    const parsed = snapshotSchema.safeParse(json)
    if (!parsed.success) throw damaged('snapshot')
    return parsed.data
  }

  /** A last line without its end was being written when the engine died: it never counted. */
  private parseJournal(text: string): JournalLine[] {
    const lines = text.split('\n')
    lines.pop()
    return lines.map((line) => {
      const parsed = lineSchema.safeParse(parseJson(line))
      if (!parsed.success) throw damaged('journal')
      return parsed.data
    })
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (cause instanceof PaddockError) throw cause
      throw new PaddockError(storageCode(cause), 'The budget ledger could not be written.', { cause })
    }
  }
}

interface MutableContent {
  readonly uses: Map<string, WindowUse[]>
  readonly holds: Map<string, StoredHold>
}

const nothingKept: Pick<z.infer<typeof snapshotSchema>, 'generation' | 'epoch' | 'uses' | 'holds'> = {
  generation: 0,
  epoch: 0,
  uses: {},
  holds: [],
}

function applyLine(content: MutableContent, line: JournalLine): void {
  switch (line.kind) {
    case 'use': {
      const { key, window, used } = line
      const others = (content.uses.get(key) ?? []).filter((each) => each.window !== window)
      content.uses.set(key, [...others, { window, used }])
      return
    }
    case 'hold': {
      const { id, account, epoch, since } = line
      content.holds.set(id, { id, account, epoch, since })
      return
    }
    case 'end':
      content.holds.delete(line.id)
      return
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function damaged(what: string): PaddockError {
  return new PaddockError('governor.ledger_unusable', `The ${what} of the budget ledger is damaged.`)
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return null
    throw new PaddockError('governor.ledger_unusable', 'The budget ledger cannot be read.', { cause })
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The class of a storage fault: all that is said of it (spec tools 10). */
function storageCode(cause: unknown): ErrorCode {
  switch (errnoOf(cause)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'store.full'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'store.read_only'
    default:
      return 'store.io'
  }
}
