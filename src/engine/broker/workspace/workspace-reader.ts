/** Reads of files that a tool may see (spec tools 3, `workspace-read`). */
import { constants } from 'node:fs'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { isDeclared, isPlainPath } from './workspace-path.ts'

export interface WorkspaceOptions {
  /** The folder that holds everything tools may ever read. */
  readonly root: string
  /** `dir/` or an exact file, as the tool declares and the operator granted. */
  readonly read: readonly string[]
  readonly maxFileBytes: number
}

/**
 * The text of a file, or null for whatever reason: a tool is told none. Links are followed, but where they lead must be
 * inside the workspace and declared as well. What of the text is secret is for the caller to redact. Never throws.
 */
export async function readWorkspaceFile(
  { root, read, maxFileBytes }: WorkspaceOptions,
  asked: string,
): Promise<string | null> {
  if (!isPlainPath(asked) || !isDeclared(asked, read)) return null
  try {
    const base = await realpath(root)
    const file = await resolveInside(base, asked, read)
    if (file === null) return null
    // Not blocking: opening a named pipe would wait for who writes to it.
    const handle = await open(file, constants.O_RDONLY | noFollow | nonBlocking)
    try {
      return await readText(handle, file, maxFileBytes, () => resolveInside(base, asked, read))
    } finally {
      await handle.close()
    }
  } catch {
    return null
  }
}

// Windows has neither.
const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW
const nonBlocking = process.platform === 'win32' ? 0 : constants.O_NONBLOCK

async function resolveInside(base: string, asked: string, read: readonly string[]): Promise<string | null> {
  const file = await realpath(path.join(base, ...asked.split('/')))
  const inside = path.relative(base, file)
  if (inside === '' || path.isAbsolute(inside) || inside.split(path.sep)[0] === '..') return null
  return isDeclared(inside.split(path.sep).join('/'), read) ? file : null
}

async function readText(
  handle: FileHandle,
  file: string,
  maxFileBytes: number,
  resolveAgain: () => Promise<string | null>,
): Promise<string | null> {
  const about = await handle.stat()
  if (!about.isFile() || about.size > maxFileBytes) return null
  // A folder on the way may have become a link between looking and opening: what is open must be what was meant.
  if ((await resolveAgain()) !== file) return null
  const meant = await stat(file)
  if (meant.ino !== about.ino || meant.dev !== about.dev) return null
  const bytes = await readUpTo(handle, maxFileBytes)
  return bytes === null ? null : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

/** All of it; null where there is more, for instance because it grows. */
async function readUpTo(handle: FileHandle, maxBytes: number): Promise<Buffer | null> {
  const parts: Buffer[] = []
  let total = 0
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(65_536), 0, 65_536, null)
    if (bytesRead === 0) return Buffer.concat(parts)
    total += bytesRead
    if (total > maxBytes) return null
    parts.push(buffer.subarray(0, bytesRead))
  }
}
