import type { Readable } from 'node:stream'

/** A line longer than this is cut; a process must not fill our memory by never ending one. */
const maxLineLength = 4_096

/** Calls the listener with each line of a stream. Answers its removal. */
export function splitLines(stream: Readable | null, listener: (line: string) => void): () => void {
  if (stream === null) return () => undefined
  let rest = ''
  const onData = (chunk: Buffer | string): void => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = (lines.pop() ?? '').slice(0, maxLineLength)
    for (const line of lines) listener(line.slice(0, maxLineLength))
  }
  stream.on('data', onData)
  return () => void stream.off('data', onData)
}
