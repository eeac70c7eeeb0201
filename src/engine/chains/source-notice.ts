/** What a subscriber of an event source is told beside events, for its log (spec nexum-host 12.6). */
export interface SourceNotice {
  readonly event:
    'source_down' | 'source_up' | 'gap_backfilled' | 'gap_dropped' | 'gap_failed' | 'logs_removed'
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
}

export type NoticeListener = (notice: SourceNotice) => void
