/** The threads that scan, so that the broker's own loop never does (spec tools 9). */
import type { CallScanner, ExactSecret } from './types.ts'

export interface ScanPoolOptions {
  /** The built script of a scan thread (`leak-scan.cjs`). */
  readonly entry: string | URL
  /** Threads at once. Default 2. */
  readonly threads?: number
}

export interface ScanPool {
  /**
   * Scans for the patterns and these values. Cheap; ask anew after more was leased. Not to be used for requests,
   * responses and outputs after the lease has ended: the values are overwritten then.
   */
  scanner(secrets: readonly ExactSecret[]): CallScanner
  /** Ends the threads; scans under way reject with `tool.broker_lost`. */
  close(): Promise<void>
}
