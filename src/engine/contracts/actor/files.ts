/** Where the databases of one namespace lie, and how they go (spec actors-sql 4.5). */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'

export class ActorFiles {
  readonly directory: string

  constructor(actorsDirectory: string, namespace: string) {
    const readable = namespace.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 48)
    // Names that differ only in what file systems fold get folders of their own.
    const unique = createHash('sha256').update(namespace).digest('hex').slice(0, 12)
    this.directory = path.join(actorsDirectory, `${readable}-${unique}`)
  }

  get journal(): string {
    return path.join(this.directory, 'actors.jsonl')
  }

  database(actorId: string): string {
    return path.join(this.directory, `${actorId}.db`)
  }

  /** Makes the folder. */
  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
  }

  /** Bytes of the database and its log on disk; 0 when there are none. */
  async sizeOf(actorId: string): Promise<number> {
    const file = this.database(actorId)
    const sizes = await Promise.all(
      ['', '-wal'].map((suffix) =>
        stat(file + suffix).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  /** Removes the database, its log, and whatever else is named after it. */
  async remove(actorId: string): Promise<void> {
    const names = await readdir(this.directory).catch(() => [])
    const prefix = `${actorId}.db`
    await Promise.all(
      names
        .filter((name) => name.startsWith(prefix))
        .map((name) => rm(path.join(this.directory, name), { force: true, recursive: true })),
    )
  }
}
