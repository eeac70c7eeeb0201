import { createHash } from 'node:crypto'
import path from 'node:path'

/**
 * The store file of a module: readable, and unique also for names that differ only in what a file
 * system folds or forbids.
 */
export function storePath(directory: string, module: string): string {
  const readable = module.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 48)
  const unique = createHash('sha256').update(module).digest('hex').slice(0, 12)
  return path.join(directory, `${readable}-${unique}.db`)
}
