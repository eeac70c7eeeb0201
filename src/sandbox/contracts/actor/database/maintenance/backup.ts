/** An online copy in small steps through the actor's own connection (spec actors-sql 15.2). */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { PaddockError } from '../../../../../shared/errors.ts'
import type { BackupProgress, BackupRequest } from '../actor-database.ts'
import { beginCopy, type Connection, type OnlineCopy } from '../connection.ts'

/** Steps an actor may delay a copy by writing, as a multiple of its pages; then the rest is copied at once. */
const patience = 3

interface Running {
  readonly copy: OnlineCopy
  readonly targetPath: string
  readonly partPath: string
  copiedPages: number
  restarts: number
  lastRemaining: number
}

export class Backups {
  private readonly connection: Connection
  private running: Running | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** Throws the engine's errors; then what was written is removed. */
  handle(request: BackupRequest): BackupProgress {
    switch (request.action) {
      case 'start':
        return this.start(request.targetPath)
      case 'step':
        return this.step(request.pages)
      case 'cancel':
        this.cancel()
        return { done: false, totalPages: 0, remainingPages: 0, restarts: 0, copiedAtOnce: false }
    }
  }

  /** Drops a copy that is under way. */
  cancel(): void {
    const { running } = this
    this.running = undefined
    if (running === undefined) return
    running.copy.close()
    removeDatabase(running.partPath)
  }

  private start(targetPath: string): BackupProgress {
    this.cancel()
    const partPath = `${targetPath}.part`
    removeDatabase(partPath)
    const copy = beginCopy(this.connection, partPath)
    this.running = { copy, targetPath, partPath, copiedPages: 0, restarts: 0, lastRemaining: Infinity }
    return this.step(1)
  }

  private step(pages: number): BackupProgress {
    const { running } = this
    if (running === undefined) {
      throw new PaddockError('wasm.invalid_state', 'No backup is under way.', {
        details: { state: 'idle', reason: 'no backup was started' },
      })
    }
    try {
      let progress = running.copy.transfer(pages)
      running.copiedPages += pages
      // What this very connection writes is taken over as it is written; only another's change begins the copy anew.
      if (progress.remainingPages > running.lastRemaining) running.restarts += 1
      running.lastRemaining = progress.remainingPages
      const isTired = running.restarts >= patience || running.copiedPages > patience * progress.totalPages
      const copiesAtOnce = progress.remainingPages > 0 && isTired
      if (copiesAtOnce) progress = running.copy.transfer(0x7fff_ffff)
      if (progress.remainingPages === 0) this.finish(running)
      const { restarts } = running
      return { done: progress.remainingPages === 0, ...progress, restarts, copiedAtOnce: copiesAtOnce }
    } catch (error) {
      this.cancel()
      throw error
    }
  }

  private finish(running: Running): void {
    running.copy.close()
    this.running = undefined
    placeFile(running.partPath, running.targetPath)
  }
}

/** Syncs the file and gives it its name, so that nobody ever sees half of one. */
export function placeFile(partPath: string, targetPath: string): void {
  syncPath(partPath)
  renameSync(partPath, targetPath)
  syncPath(dirname(targetPath))
}

function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Removes a database file that nobody has open, companions included. */
export function removeDatabase(path: string): void {
  for (const companion of ['', '-wal', '-shm', '-journal']) {
    if (existsSync(path + companion)) rmSync(path + companion)
  }
}
