/** Files of one JSON object a line. Worker threads only: it blocks. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { storeError } from '../shared/store/errors.ts'

const readBytes = 1024 * 1024

/** Writes lines to a file that is there whole or not at all, readable by its owner alone. Throws `store.*`. */
export function writeWhole(path: string, write: (line: (text: string) => void) => void): void {
  const partial = `${path}.partial`
  const file = created(partial)
  try {
    let waiting: string[] = []
    let size = 0
    const flush = (): void => {
      if (size > 0) writeSync(file, waiting.join(''))
      waiting = []
      size = 0
    }
    write((text) => {
      waiting.push(`${text}\n`)
      size += text.length + 1
      if (size > readBytes) flush()
    })
    flush()
    fsyncSync(file)
    closeSync(file)
    renameSync(partial, path)
  } catch (error) {
    closeQuietly(file)
    rmSync(partial, { force: true })
    throw storeError(error)
  }
}

function created(path: string): number {
  try {
    return openSync(path, 'w', 0o600)
  } catch (error) {
    throw storeError(error, 'store.open_failed')
  }
}

function closeQuietly(file: number): void {
  try {
    closeSync(file)
  } catch {
    // It was closed before what failed.
  }
}

/** The lines of a text file, blank ones left out. */
export function* lines(path: string): IterableIterator<string> {
  const file = openSync(path, 'r')
  try {
    const decoder = new StringDecoder('utf8')
    const chunk = Buffer.alloc(readBytes)
    let rest = ''
    for (;;) {
      const size = readSync(file, chunk)
      rest += size === 0 ? decoder.end() : decoder.write(chunk.subarray(0, size))
      const parts = rest.split('\n')
      rest = size === 0 ? '' : (parts.pop() ?? '')
      for (const part of parts) if (part.trim() !== '') yield part
      if (size === 0) return
    }
  } finally {
    closeSync(file)
  }
}
