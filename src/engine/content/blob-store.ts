/** Content that was fetched and verified, kept by its SHA-256 (spec nexum-host 4.5). */
import { webcrypto } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { randomBytes } from 'node:crypto'
import { PaddockError } from '../../shared/errors.ts'
import { writeFileAtomically } from '../atomic-file.ts'
import { errnoOf } from '../errno.ts'

/** Hashes on the thread pool, so that megabytes do not hold up this thread. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const own = new Uint8Array(bytes)
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', own)).toString('hex')
}

export class BlobStore {
  private readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  /** The file with these contents, or null. What is there was verified when it was put. */
  async find(sha256: string): Promise<string | null> {
    const file = path.join(this.directory, sha256)
    const stats = await stat(file).catch(() => null)
    return stats?.isFile() === true ? file : null
  }

  /** Keeps verified bytes; answers their file. Throws `state.unwritable`. */
  async put(sha256: string, bytes: Uint8Array): Promise<string> {
    const file = path.join(this.directory, sha256)
    const partial = `${file}.${randomBytes(6).toString('hex')}.tmp`
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 })
      const handle = await open(partial, 'wx', 0o600)
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(partial, file)
    } catch (cause) {
      await rm(partial, { force: true }).catch(() => undefined)
      throw new PaddockError('state.unwritable', 'Fetched content could not be kept.', {
        cause,
        details: { path: file, reason: errnoOf(cause) ?? null },
      })
    }
    return file
  }

  /** The SHA-256 of what a reference led to before, or null. */
  async recall(reference: string): Promise<string | null> {
    const text = await readFile(await this.noteOf(reference), 'utf8').catch(() => '')
    return /^[0-9a-f]{64}$/.test(text) ? text : null
  }

  async remember(reference: string, sha256: string): Promise<void> {
    await writeFileAtomically(await this.noteOf(reference), sha256)
  }

  private async noteOf(reference: string): Promise<string> {
    const name = await sha256Of(new TextEncoder().encode(reference))
    return path.join(this.directory, `${name}.ref`)
  }
}
