/** Messages between the engine and its telemetry thread. Both ends are ours; typed, not validated twice. */
import type { LogFilter, LogRecord } from '../../shared/domain/log.ts'
import type { ErrorReport } from '../../shared/errors.ts'

export interface LogPage {
  readonly records: LogRecord[]
  readonly more: boolean
}

export type TelemetryRequest =
  | { readonly type: 'append'; readonly records: readonly LogRecord[] }
  | {
      readonly type: 'query'
      readonly id: number
      readonly filter: LogFilter
      readonly before: number | null
      readonly limit: number
    }
  | { readonly type: 'close'; readonly id: number }

export type TelemetryReply =
  /** `lastId` is the highest id kept from earlier runs; -1 when there is none. */
  | { readonly type: 'open'; readonly lastId: number; readonly warning: ErrorReport | null }
  | { readonly type: 'page'; readonly id: number; readonly page: LogPage }
  | { readonly type: 'appended'; readonly count: number }
  | { readonly type: 'failed'; readonly id: number | null; readonly error: ErrorReport }
  | { readonly type: 'closed'; readonly id: number }
