/**
 * Counts engine starts that ended badly, so that after two in a row the engine starts with all modules
 * stopped (style 4). A start is unclean when the engine neither shut down in order nor ran for five minutes:
 * a crash after that has another cause than the start, and counts as none.
 */
import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomically } from './atomic-file.ts'
import type { Clock } from './clock.ts'

/** Unclean starts in a row from which the next one is a safe one. */
export const uncleanStartsForSafeMode = 2
/** Running this long makes a start a good one. */
export const stableAfterMs = 300_000

/** Unclean starts before this one, this one counted in until it proves itself. */
const recordSchema = z.object({
  version: z.literal(1),
  startsInDoubt: z.number().int().min(1).max(1_000_000),
})

export class StartRecord {
  private readonly file: string
  private hasBegun = false
  private cancelTimer: () => void = () => undefined
  private writing: Promise<void> = Promise.resolve()

  constructor(file: string) {
    this.file = file
  }

  /**
   * Notes that the engine starts; answers whether it should start safely. Rejects with the system's error when
   * the note cannot be written. A damaged note counts as one unclean start.
   */
  async begin(clock: Clock): Promise<{ readonly safeMode: boolean }> {
    this.hasBegun = true
    const unclean = await this.read()
    await writeFileAtomically(
      this.file,
      JSON.stringify({ version: 1, startsInDoubt: Math.min(unclean + 1, 1_000_000) }),
    )
    this.cancelTimer = clock.after(stableAfterMs, () => {
      this.writing = this.clear()
    })
    return { safeMode: unclean >= uncleanStartsForSafeMode }
  }

  /** The engine shuts down in order; one that never began leaves the note to whose it is. Never rejects. */
  async end(): Promise<void> {
    if (!this.hasBegun) return
    this.cancelTimer()
    await this.writing
    await this.clear()
  }

  private async read(): Promise<number> {
    let text: string
    try {
      text = await readFile(this.file, 'utf8')
    } catch {
      return 0
    }
    try {
      return recordSchema.parse(JSON.parse(text)).startsInDoubt
    } catch {
      return 1
    }
  }

  private clear(): Promise<void> {
    // A file that cannot be removed costs one start in safe mode, no more.
    return rm(this.file, { force: true }).catch(() => undefined)
  }
}
