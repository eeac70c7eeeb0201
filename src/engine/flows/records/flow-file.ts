/** The file of a flow on disk: found, read, replaced with the version before kept beside it. */
import { copyFile, open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { PaddockError } from '../../../shared/errors.ts'
import { errnoOf } from '../../errno.ts'

/** Looked for in a folder, in this order (spec flows 2). */
const names = ['Torvyn.toml', 'pipeline.toml'] as const
const maxBytes = 1_048_576

/** The flow file that `given` is or holds, absolute. Rejects with `flow.unreadable`. */
export async function findFlowFile(given: string): Promise<string> {
  const found = path.resolve(given)
  const kind = await stat(found).catch((cause: unknown) => {
    throw unreadable(
      `${given} cannot be read${errnoOf(cause) === 'ENOENT' ? ': it is not there' : ''}.`,
      cause,
    )
  })
  if (!kind.isDirectory()) return found
  for (const name of names) {
    const file = path.join(found, name)
    if ((await stat(file).catch(() => null))?.isFile() === true) return file
  }
  throw unreadable(`${given} holds neither ${names.join(' nor ')}.`)
}

/** Rejects with `flow.unreadable`. */
export async function readFlowFile(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > maxBytes) throw unreadable(`${file} is larger than 1 MiB.`)
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof PaddockError) throw error
    throw unreadable(`${file} cannot be read.`, error)
  }
}

/** Where the version before the last one saved is kept. */
export function previousOf(file: string): string {
  return `${file}.previous`
}

/** Keeps the file as it is beside itself, then replaces it as a whole. Rejects with `flow.unwritable`. */
export async function replaceFlowFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`
  try {
    const mode = (await stat(file)).mode & 0o777
    await copyFile(file, previousOf(file))
    const handle = await open(beside, 'w', mode)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(beside, file)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw new PaddockError('flow.unwritable', `${file} could not be written.`, { cause })
  }
}

function unreadable(message: string, cause?: unknown): PaddockError {
  return new PaddockError('flow.unreadable', message, cause === undefined ? {} : { cause })
}
