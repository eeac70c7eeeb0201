/** Small files that are either as before or as after, whatever dies in between. */
import { open, rename, rm } from 'node:fs/promises'

/** Replaces a file by one with this text: written beside it, flushed, renamed over it. Rejects with the system's error. */
export async function writeFileAtomically(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`
  try {
    const handle = await open(beside, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw error
  }
}
