/** Where the sources of a flow go on: a small file, written soon after it changed. */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import { writeFileAtomically } from '../../atomic-file.ts'
import type { Clock } from '../../clock.ts'

/** Positions are written at most this often, in milliseconds; what came after the last is told again. */
const writeAfterMs = 1_000

const fileSchema = z.record(z.string().max(512), z.string().max(512))

export interface PositionsOptions {
  readonly file: string
  readonly clock: Clock
  /** Told when they cannot be kept; the flow then begins anew with the next start. */
  readonly onUnwritable: (error: ErrorReport) => void
}

export class Positions {
  private readonly options: PositionsOptions
  private readonly kept: Map<string, string>
  private cancelWrite: (() => void) | null = null
  private writing: Promise<void> = Promise.resolve()
  private isChanged = false

  private constructor(options: PositionsOptions, kept: Map<string, string>) {
    this.options = options
    this.kept = kept
  }

  /** A file that is missing or damaged is an empty one. */
  static async open(options: PositionsOptions): Promise<Positions> {
    const text = await readFile(options.file, 'utf8').catch(() => '{}')
    return new Positions(options, new Map(Object.entries(parse(text))))
  }

  get(source: string): string | null {
    return this.kept.get(source) ?? null
  }

  set(source: string, position: string): void {
    if (this.kept.get(source) === position) return
    this.kept.set(source, position)
    this.isChanged = true
    this.cancelWrite ??= this.options.clock.after(writeAfterMs, () => void this.flush())
  }

  /** Writes what changed. Never rejects. */
  flush(): Promise<void> {
    this.cancelWrite?.()
    this.cancelWrite = null
    this.writing = this.writing.then(() => this.write())
    return this.writing
  }

  private async write(): Promise<void> {
    if (!this.isChanged) return
    this.isChanged = false
    const { file, onUnwritable } = this.options
    try {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      await writeFileAtomically(file, JSON.stringify(Object.fromEntries(this.kept)))
    } catch (error) {
      this.isChanged = true
      onUnwritable(toErrorReport(error, 'state.unwritable'))
    }
  }
}

function parse(text: string): Record<string, string> {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : {}
  } catch {
    return {}
  }
}
