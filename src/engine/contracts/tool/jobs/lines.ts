/** The lines of a call: all of them for the log, as many as the history holds for the view (spec tools 3). */
import type { ToolCallView } from '../../../../shared/domain/tool.ts'
import type { GuestLogRecord } from '../../../../shared/domain/log.ts'
import type { RunningCall } from './running-call.ts'

/** Characters of all lines that the history keeps of one call. */
const shownCharacters = 131_072

export interface KeptLines {
  readonly records: GuestLogRecord[]
  readonly shown: ToolCallView['logs']
  readonly dropped: number
}

/** What is to be scrubbed, and what becomes of it afterwards. */
export function keptLines(running: RunningCall | undefined): {
  readonly texts: readonly string[]
  readonly finish: (scrubbed: readonly string[]) => KeptLines
} {
  const records = running?.records ?? []
  return {
    texts: records.map(({ message }) => message),
    finish(scrubbed) {
      const clean = records.map((record, index) => ({ ...record, message: scrubbed[index] ?? '' }))
      const shown: { level: GuestLogRecord['level']; message: string }[] = []
      let characters = 0
      // What the host says of the thread is for the log alone.
      for (const { level, source, message } of clean) {
        if (source === 'engine' || source === 'panic') continue
        characters += message.length
        if (characters > shownCharacters) break
        shown.push({ level, message })
      }
      return { records: clean, shown, dropped: running?.dropped ?? 0 }
    },
  }
}
