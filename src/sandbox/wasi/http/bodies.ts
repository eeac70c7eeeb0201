/** Bodies of `wasi:http`: whole in memory, because the host's exchange is whole (spec nexum-host 8.8). */
import { maxHttpRequestBytes } from '../../../shared/domain/limits.ts'
import { ErrorSide, trap } from '../error-side.ts'
import { InputStream, OutputStream, Pollable, type WasiClock } from '../streams.ts'
import type { Fields } from './fields.ts'

/** Reads from bytes that are there. */
class BytesStream extends InputStream {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(clock: WasiClock, bytes: Uint8Array) {
    super(clock)
    this.bytes = bytes
  }

  override read(length: bigint): Uint8Array {
    const rest = this.bytes.length - this.at
    if (rest === 0) return super.read(length)
    const end = this.at + Number(length < BigInt(rest) ? length : BigInt(rest))
    const piece = this.bytes.slice(this.at, end)
    this.at = end
    return piece
  }

  override blockingRead(length: bigint): Uint8Array {
    return this.read(length)
  }

  override skip(length: bigint): bigint {
    return BigInt(this.read(length).length)
  }

  override blockingSkip(length: bigint): bigint {
    return this.skip(length)
  }
}

/** `wasi:http/types#outgoing-body`: collects what is written until it is finished. */
export class OutgoingBody {
  private readonly clock: WasiClock
  private readonly chunks: Uint8Array[] = []
  private size = 0
  private isOpen = false
  isFinished = false

  constructor(clock: WasiClock) {
    this.clock = clock
  }

  static finish(body: OutgoingBody, _trailers: Fields | undefined): void {
    body.isFinished = true
  }

  write(): OutputStream {
    if (this.isOpen) throw new ErrorSide(undefined)
    this.isOpen = true
    return new OutputStream(this.clock, { write: (contents) => this.take(contents) })
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.size)
    let at = 0
    for (const chunk of this.chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  private take(contents: Uint8Array): void {
    if (this.isFinished) trap('a finished body was written to')
    this.size += contents.length
    if (this.size > maxHttpRequestBytes) throw new ErrorSide({ tag: 'closed' })
    this.chunks.push(contents.slice())
  }
}

/** `wasi:http/types#future-trailers`: there are none. */
export class FutureTrailers {
  private readonly clock: WasiClock
  private isTaken = false

  constructor(clock: WasiClock) {
    this.clock = clock
  }

  subscribe(): Pollable {
    return new Pollable(this.clock, 0n)
  }

  get(): unknown {
    if (this.isTaken) return { tag: 'err' }
    this.isTaken = true
    return { tag: 'ok', val: { tag: 'ok', val: undefined } }
  }
}

/** `wasi:http/types#incoming-body`. */
export class IncomingBody {
  private readonly clock: WasiClock
  private readonly content: Uint8Array
  private isTaken = false

  constructor(clock: WasiClock, content: Uint8Array) {
    this.clock = clock
    this.content = content
  }

  static finish(body: IncomingBody): FutureTrailers {
    return new FutureTrailers(body.clock)
  }

  stream(): InputStream {
    if (this.isTaken) throw new ErrorSide(undefined)
    this.isTaken = true
    return new BytesStream(this.clock, this.content)
  }
}
