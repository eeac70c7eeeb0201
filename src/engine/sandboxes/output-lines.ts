import type { Readable } from 'node:stream'

/** A longer line is passed on in pieces: a process must not fill our memory by never ending one. In UTF-16 units. */
export const maxLineLength = 4_096

/** Calls the listener with each line of a stream, the last one even without its end. Answers its removal. */
export function splitLines(stream: Readable | null, listener: (line: string) => void): () => void {
  if (stream === null) return () => undefined
  const splitter = lineSplitter(listener)
  // Decodes across chunks: a character may be cut in two.
  stream.setEncoding('utf8')
  stream.on('data', splitter.push)
  stream.on('end', splitter.flush)
  return () => {
    stream.off('data', splitter.push)
    stream.off('end', splitter.flush)
  }
}

export interface LineSplitter {
  readonly push: (text: string) => void
  /** Passes on what is left without an end of line. */
  readonly flush: () => void
}

/** Cuts a stream of text into lines without their ends. */
export function lineSplitter(listener: (line: string) => void): LineSplitter {
  let rest = ''
  const emit = (line: string): void => {
    const bare = line.endsWith('\r') ? line.slice(0, -1) : line
    for (let start = 0; start === 0 || start < bare.length; start += maxLineLength) {
      listener(bare.slice(start, start + maxLineLength))
    }
  }
  return {
    push(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) emit(line)
      while (rest.length >= maxLineLength) {
        listener(rest.slice(0, maxLineLength))
        rest = rest.slice(maxLineLength)
      }
    },
    flush() {
      if (rest !== '') emit(rest)
      rest = ''
    },
  }
}
