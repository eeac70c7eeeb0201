import type { LogFilter, LogRecord } from '../../shared/domain/log.ts'
import { logLevels } from '../../shared/domain/primitives.ts'

/** Whether a line belongs to a filtered log, as main decides it. */
export function fits(record: LogRecord, filter: LogFilter): boolean {
  return (
    (filter.module === undefined || record.module === filter.module) &&
    (filter.minLevel === undefined ||
      logLevels.indexOf(record.level) >= logLevels.indexOf(filter.minLevel)) &&
    (filter.text === undefined || record.message.toLowerCase().includes(filter.text.toLowerCase()))
  )
}
