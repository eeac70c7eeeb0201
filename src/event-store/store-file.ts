/** Where the event store of a decider is: one file per decider name, which its versions share (spec decider 12). */
import { createHash } from 'node:crypto'
import path from 'node:path'

/** Readable, and unique also for names that differ only in what a file system folds or forbids. */
export function eventStoreFile(directory: string, decider: string): string {
  const readable = decider.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 48)
  const unique = createHash('sha256').update(decider).digest('hex').slice(0, 12)
  return path.join(directory, `events-${readable}-${unique}.db`)
}
