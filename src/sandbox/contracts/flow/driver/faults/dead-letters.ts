/** Keeps elements that nobody could handle in a bounded file, one JSON object a line (spec flows 9.2). */
import { appendFileSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

export interface DeadLetter {
  readonly flow: string
  readonly node: string
  readonly sequence: number
  readonly timestampNs: bigint
  readonly contentType: string
  readonly case: string
  readonly message: string
  readonly bytes: Uint8Array
}

/** Writes on the flow's own thread, which may block: an element is lost only after it is on disk. */
export class DeadLetters {
  private readonly path: string
  private readonly maxBytes: number
  private size: number | undefined

  constructor(path: string, maxBytes: number) {
    this.path = path
    this.maxBytes = maxBytes
  }

  /** Answers false when the file is full. Throws what the file system throws. */
  write(letter: DeadLetter): boolean {
    const { bytes, timestampNs, ...rest } = letter
    const line = `${JSON.stringify({
      ...rest,
      timestampNs: timestampNs.toString(),
      keptAt: Date.now(),
      payload: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    })}\n`
    const length = Buffer.byteLength(line)
    this.size ??= this.sizeNow()
    if (this.size + length > this.maxBytes) return false
    appendFileSync(this.path, line, { mode: 0o600 })
    this.size += length
    return true
  }

  private sizeNow(): number {
    mkdirSync(dirname(this.path), { recursive: true })
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0
  }
}
