import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import path from 'node:path'

/** The files of a store, by what follows its path. */
const companions = ['', '-wal', '-shm', '-journal'] as const

/**
 * The store file of a module: readable, and unique also for names that differ only in what a file
 * system folds or forbids.
 */
export function storePath(directory: string, module: string): string {
  const readable = module.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 48)
  const unique = createHash('sha256').update(module).digest('hex').slice(0, 12)
  return path.join(directory, `${readable}-${unique}.db`)
}

/** Deletes a store with its companions; one that is not there is no fault. */
export async function purgeStoreFiles(path: string): Promise<void> {
  await Promise.all(companions.map((suffix) => rm(path + suffix, { force: true })))
}
