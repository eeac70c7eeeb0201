import { Transform, type TransformCallback } from 'node:stream'
import { createInflate, createInflateRaw, type Inflate, type InflateRaw } from 'node:zlib'

/** Decodes `deflate` as HTTP means it (with the zlib head) and as some servers send it (without). */
export class InflateEither extends Transform {
  private inner: Inflate | InflateRaw | undefined

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.inner ??= this.open(chunk)
    this.inner.write(chunk, () => done())
  }

  override _flush(done: TransformCallback): void {
    const { inner } = this
    if (inner === undefined) {
      done(new Error('There is nothing to decode.'))
      return
    }
    inner.once('end', () => done())
    inner.end()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.inner?.destroy()
    done(error)
  }

  private open(first: Buffer): Inflate | InflateRaw {
    const hasZlibHead = ((first[0] ?? 0) & 0x0f) === 8
    const inner = hasZlibHead ? createInflate() : createInflateRaw()
    inner.on('data', (piece: Buffer) => this.push(piece))
    inner.on('error', (error) => this.destroy(error))
    return inner
  }
}
