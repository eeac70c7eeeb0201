/** Lines of a file as elements, and elements as lines: what `paddock flow run --input --output` puts in place of ends. */
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { SinkEnd, SinkEndContext, SourceEnd, SourceEndContext } from './end.ts'
import { maxElementBytes } from '../file/keys/limits.ts'
import { Feed } from './feed.ts'
import { OrderedSink } from './ordered-sink.ts'

const text = 'text/plain'
const encoder = new TextEncoder()
const newline = Buffer.from('\n')

/** Each line of `file` is an element, without its end; `-` is the standard input. The flow ends with the file. */
export function openLinesSource(file: string, context: SourceEndContext): SourceEnd {
  const stream: Readable = file === '-' ? process.stdin : createReadStream(file)
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  const held: string[] = []
  let isOver = false
  const feed: Feed = new Feed({
    send: context.send,
    onRoom: () => {
      while (held.length > 0 && !feed.isFull) offer(held.shift() ?? '')
      if (held.length > 0) return
      if (isOver) feed.end()
      else lines.resume()
    },
  })
  const offer = (line: string): void => {
    const bytes = encoder.encode(line)
    if (bytes.length > maxElementBytes) {
      const message = `a line of ${file} has ${bytes.length} bytes; an element has at most ${maxElementBytes}`
      lines.close()
      context.onFailed(new PaddockError('flow.end_failed', message))
      return
    }
    if (feed.offer({ bytes, contentType: text, position: null })) return
    held.push(line)
    lines.pause()
  }
  // Lines that were read already come also after `pause`: as many as one block of the file holds.
  lines.on('line', (line) => (held.length > 0 ? void held.push(line) : offer(line)))
  lines.once('close', () => {
    isOver = true
    if (held.length === 0) feed.end()
  })
  stream.once('error', (cause) =>
    context.onFailed(
      new PaddockError('flow.end_failed', `${file} could not be read: ${cause.message}`, { cause }),
    ),
  )
  return {
    want: (count) => feed.want(count),
    settle: (count) => feed.settle(count),
    dropped: 0,
    close: () => {
      lines.close()
      stream.destroy()
    },
  }
}

/** Each element is a line of `file`, which is begun anew; `-` is the standard output. */
export function openLinesSink(file: string, clock: Clock, context: SinkEndContext): SinkEnd {
  const stream: Writable = file === '-' ? process.stdout : createWriteStream(file)
  // What goes wrong is told to the write that waits.
  stream.on('error', () => undefined)
  return new OrderedSink({
    context,
    clock,
    title: file === '-' ? 'The standard output' : `The file ${file}`,
    batch: 256,
    write: (elements) =>
      written(stream, Buffer.concat(elements.flatMap(({ bytes }) => [Buffer.from(bytes), newline]))),
    isPassing: () => false,
    finish: () =>
      new Promise<void>((resolve) => {
        if (file === '-') resolve()
        else stream.end(() => resolve())
      }),
  })
}

function written(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
}
