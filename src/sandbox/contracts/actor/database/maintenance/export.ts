/** One self-contained file of an actor's data, with its manifest (spec actors-sql 15.3). */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { exportManifestSchema, type ExportManifest } from '../../../../../shared/contracts/actor-files.ts'
import { placeFile, removeDatabase } from './backup.ts'
import { beginCopy, openConnection, type Connection } from '../connection.ts'

const everyPage = 0x7fff_ffff
const chunkBytes = 1024 * 1024

export type ExportFacts = Omit<ExportManifest, 'format' | 'version' | 'bytes' | 'sha256'>

/** Writes `targetPath` and `targetPath.json`. Throws the engine's and the file system's errors; then neither is there. */
export function exportDatabase(
  connection: Connection,
  targetPath: string,
  facts: ExportFacts,
): ExportManifest {
  const partPath = `${targetPath}.part`
  removeDatabase(partPath)
  try {
    const copy = beginCopy(connection, partPath)
    try {
      copy.transfer(everyPage)
    } finally {
      copy.close()
    }
    strip(partPath)
    const manifest = exportManifestSchema.parse({
      format: 'paddock-actor-export',
      version: 1,
      ...facts,
      bytes: statSync(partPath).size,
      sha256: digestOf(partPath),
    })
    const manifestPart = `${targetPath}.json.part`
    writeFileSync(manifestPart, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
    placeFile(partPath, targetPath)
    placeFile(manifestPart, `${targetPath}.json`)
    return manifest
  } catch (error) {
    removeDatabase(partPath)
    throw error
  }
}

/** Takes the host's notes out, bytes included, and leaves one file with a rollback journal. */
export function strip(path: string): void {
  const copy = openConnection(path)
  try {
    copy.pragma('journal_mode = DELETE')
    copy.pragma('secure_delete = ON')
    copy.exec('DROP TABLE IF EXISTS _paddock_meta; VACUUM;')
  } finally {
    copy.close()
  }
}

/** SHA-256 of a file, read in pieces. */
export function digestOf(path: string): string {
  const hash = createHash('sha256')
  const chunk = new Uint8Array(chunkBytes)
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const read = readSync(file, chunk, 0, chunk.byteLength, null)
      if (read === 0) return hash.digest('hex')
      hash.update(chunk.subarray(0, read))
    }
  } finally {
    closeSync(file)
  }
}
