/**
 * What the supervisor remembers of each module across starts of the engine: its failures, its restarts and
 * its quarantine. One small file in the state directory, no part of the settings: the engine writes it, nobody edits it.
 */
import { readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { logRecordSchema } from '../../shared/domain/log.ts'
import { quarantineSchema } from '../../shared/domain/module.ts'
import { errorReportSchema, moduleNameSchema, timestampMsSchema } from '../../shared/domain/primitives.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import { writeFileAtomically } from '../atomic-file.ts'
import { errnoOf } from '../errno.ts'

/** Log lines kept with a quarantine (style 4). */
export const quarantineLines = 50

export const supervisionRecordSchema = z.object({
  /** Times of recent failures, wall clock, oldest first. */
  failureTimes: z.array(timestampMsSchema).max(1_000),
  consecutiveFailures: z.number().int().nonnegative(),
  /** Restarts since the module was installed. */
  restarts: z.number().int().nonnegative(),
  lastError: z.object({ time: timestampMsSchema, error: errorReportSchema }).nullable(),
  quarantine: quarantineSchema.nullable(),
  /** What the module logged last before its quarantine, oldest first. */
  lastLines: z.array(logRecordSchema).max(quarantineLines),
})
export type SupervisionRecord = z.infer<typeof supervisionRecordSchema>

/** A list and no object by name: a module may be named like a property of every object. */
const fileSchema = z.object({
  version: z.literal(1),
  modules: z.array(supervisionRecordSchema.extend({ name: moduleNameSchema })),
})

export interface SupervisionStoreOptions {
  readonly file: string
  readonly now: () => number
  /** The file could not be used (`state.corrupt`) or not be written (`state.unwritable`). */
  readonly onWarning: (error: ErrorReport) => void
}

export class SupervisionStore {
  private readonly options: SupervisionStoreOptions
  private readonly records = new Map<string, SupervisionRecord>()
  private isDirty = false
  private writing: Promise<void> | undefined

  constructor(options: SupervisionStoreOptions) {
    this.options = options
  }

  /** Reads the file; one that does not hold is kept aside and told. Never rejects. */
  async open(): Promise<void> {
    const { file, onWarning } = this.options
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') onWarning(unreadable(file, error))
      return
    }
    const parsed = fileSchema.safeParse(parseJson(text))
    if (!parsed.success) {
      onWarning(await this.setAside())
      return
    }
    for (const { name, ...record } of parsed.data.modules) this.records.set(name, record)
  }

  get(name: string): SupervisionRecord | undefined {
    return this.records.get(name)
  }

  /** Remembers; written soon, many changes at once. */
  set(name: string, record: SupervisionRecord): void {
    this.records.set(name, record)
    this.write()
  }

  remove(name: string): void {
    if (this.records.delete(name)) this.write()
  }

  /** Settles when everything is on disk or known not to get there. Never rejects. */
  async flush(): Promise<void> {
    while (this.writing !== undefined) await this.writing
  }

  private write(): void {
    this.isDirty = true
    this.writing ??= this.writeUntilClean().finally(() => {
      this.writing = undefined
    })
  }

  private async writeUntilClean(): Promise<void> {
    // One turn later, so that what changes together is written once.
    await Promise.resolve()
    while (this.isDirty) {
      this.isDirty = false
      const modules = [...this.records].map(([name, record]) => ({ name, ...record }))
      try {
        await writeFileAtomically(this.options.file, JSON.stringify({ version: 1, modules }))
      } catch (cause) {
        this.options.onWarning(
          new PaddockError('state.unwritable', 'Restart counters and quarantines could not be saved.', {
            cause,
          }).toReport(),
        )
      }
    }
  }

  private async setAside(): Promise<ErrorReport> {
    const { file, now } = this.options
    const aside = `${file}.corrupt-${now()}`
    try {
      await rename(file, aside)
    } catch (error) {
      return unreadable(file, error)
    }
    return new PaddockError('state.corrupt', 'The record of failures and quarantines could not be used.', {
      remedy: `It was kept as ${path.basename(aside)}; every module begins with a clean record.`,
    }).toReport()
  }
}

function unreadable(file: string, cause: unknown): ErrorReport {
  return new PaddockError('state.corrupt', `${path.basename(file)} cannot be read.`, { cause }).toReport()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
