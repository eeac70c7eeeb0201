/** Reads a body as it comes: counted before and after decoding, so that nothing small becomes large unseen. */
import type { IncomingMessage } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { CollectedBytes } from './collected-bytes.ts'
import type { HeaderPair } from './types.ts'
import { EgressError } from './egress-error.ts'
import { InflateEither } from './inflate-either.ts'

/** Encodings laid over each other; honest servers use one. */
const maxEncodings = 2

export interface BodyOptions {
  /** False where HTTP says there is none, whatever the headers say. */
  readonly hasBody: boolean
  readonly maxBytes: number
  /** This many bytes came from the network. */
  readonly onPiece: (bytes: number) => void
}

export interface ReadBody {
  readonly body: Uint8Array
  readonly headers: readonly HeaderPair[]
}

/** Throws `EgressError` (`too-large`, `closed`, `malformed`); `incoming` is destroyed then. */
export async function readBody(
  incoming: IncomingMessage,
  headers: readonly HeaderPair[],
  options: BodyOptions,
): Promise<ReadBody> {
  if (!options.hasBody) {
    await drained(incoming)
    return { body: new Uint8Array(0), headers }
  }
  const announced = headers.find(([name]) => name === 'content-length')?.[1]
  if (announced !== undefined && Number(announced) > options.maxBytes) {
    incoming.destroy()
    throw tooLarge()
  }
  const decoders = decodersFor(headers)
  const body = await collect(incoming, decoders ?? [], options)
  if (decoders === null || decoders.length === 0) return { body, headers }
  return {
    body,
    headers: headers.filter(([name]) => name !== 'content-encoding' && name !== 'content-length'),
  }
}

/** Its end comes with its head; only then the connection is free for another request. */
function drained(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    incoming.once('end', resolve)
    incoming.once('close', resolve)
    incoming.resume()
  })
}

function collect(
  incoming: IncomingMessage,
  decoders: readonly Decoder[],
  options: BodyOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const collected = new CollectedBytes()
    let received = 0
    const streams: (Readable | Transform)[] = [incoming]
    const fail = (error: EgressError): void => {
      for (const stream of streams) stream.destroy()
      reject(error)
    }
    const closed = (): void =>
      fail(new EgressError('closed', 'The server closed the connection before its answer was whole.'))
    incoming.on('error', closed)
    incoming.on('close', () => {
      if (!incoming.complete) closed()
    })
    incoming.on('data', (chunk: Buffer) => {
      options.onPiece(chunk.length)
      received += chunk.length
      if (received > options.maxBytes) fail(tooLarge())
    })
    let last: Readable = incoming
    for (const make of decoders) {
      const decoder = make()
      decoder.on('error', () => {
        // An answer may say that it is encoded and have no bytes at all.
        if (received === 0) resolve(new Uint8Array(0))
        else fail(new EgressError('malformed', 'The body is not in the encoding it claims.'))
      })
      streams.push(decoder)
      last = last.pipe(decoder)
      // Of each layer: what unpacks to nothing in the end may be gigabytes on the way there.
      let unpacked = 0
      decoder.on('data', (chunk: Buffer) => {
        unpacked += chunk.length
        if (unpacked > options.maxBytes) fail(tooLarge())
      })
    }
    last.on('data', (chunk: Buffer) => {
      if (collected.size + chunk.length <= options.maxBytes) collected.add(chunk)
    })
    last.on('end', () => resolve(collected.take()))
  })
}

type Decoder = () => Transform

/** The decoders in the order they apply, or null where an encoding is unknown and the body stays as it is. */
function decodersFor(headers: readonly HeaderPair[]): Decoder[] | null {
  const encodings = headers
    .filter(([name]) => name === 'content-encoding')
    .flatMap(([, value]) => value.split(','))
    .map((encoding) => encoding.trim().toLowerCase())
    .filter((encoding) => encoding !== '' && encoding !== 'identity')
  if (encodings.length > maxEncodings) throw new EgressError('malformed', 'The body is encoded too often.')
  const decoders = encodings.reverse().map(decoderOf)
  return decoders.every((decoder) => decoder !== null) ? decoders : null
}

function decoderOf(encoding: string): Decoder | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return () => createGunzip()
    case 'deflate':
      return () => new InflateEither()
    case 'br':
      return () => createBrotliDecompress()
    default:
      return null
  }
}

function tooLarge(): EgressError {
  return new EgressError('too-large', 'The answer is larger than is allowed.')
}
