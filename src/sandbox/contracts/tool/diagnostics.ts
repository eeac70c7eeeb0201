/** The last of what a call printed, at most 64 KiB over the whole call (spec tools 1). */
import { maxToolDiagnosticsBytes, maxToolLogLineBytes } from '../../../shared/contracts/tool-call.ts'
import { cutBetweenWords } from '../../../shared/text.ts'

export type PrintedSource = 'stdout' | 'stderr'

export interface Printed {
  readonly source: PrintedSource
  readonly message: string
}

/** Handed on while the call runs; the rest is kept for what is said last, which tells why it failed. */
const earlyBytes = maxToolDiagnosticsBytes / 2
/** Of short lines no more are kept. */
const maxLines = 512

export class Diagnostics {
  private parts: { readonly source: PrintedSource; bytes: Uint8Array }[] = []
  private held = 0
  private handedOn = 0

  /** Keeps a copy, and forgets the oldest bytes that are too many. */
  write(source: PrintedSource, bytes: Uint8Array): void {
    const room = maxToolDiagnosticsBytes - this.handedOn
    const part = bytes.slice(Math.max(0, bytes.byteLength - room))
    const last = this.parts.at(-1)
    // Byte-wise printing must not cost an object per byte.
    if (last?.source === source && last.bytes.byteLength < 1_024)
      last.bytes = Buffer.concat([last.bytes, part])
    else this.parts.push({ source, bytes: part })
    this.held += part.byteLength
    for (let over = this.held - room; over > 0; over = this.held - room) {
      const first = this.parts[0]
      if (first === undefined) return
      const taken = Math.min(over, first.bytes.byteLength)
      first.bytes = first.bytes.subarray(taken)
      if (first.bytes.byteLength === 0) this.parts.shift()
      this.held -= taken
    }
  }

  /** What is held, if there is room to hand on something early. */
  takeEarly(): Printed[] {
    return this.held > 0 && this.handedOn + this.held <= earlyBytes ? this.take() : []
  }

  /** All that is held, in lines, taken out. */
  take(): Printed[] {
    const parts = this.parts
    this.parts = []
    this.handedOn += this.held
    this.held = 0
    const texts: { source: PrintedSource; bytes: Uint8Array[] }[] = []
    for (const { source, bytes } of parts) {
      const last = texts.at(-1)
      if (last?.source === source) last.bytes.push(bytes)
      else texts.push({ source, bytes: [bytes] })
    }
    const printed = texts.flatMap(({ source, bytes }) => {
      // Lossy on purpose: what is printed is for people.
      const lines = new TextDecoder('utf-8').decode(Buffer.concat(bytes)).split(/\r?\n/)
      if (lines.at(-1) === '') lines.pop()
      return lines.map((line) => ({ source, message: cutBetweenWords(line, maxToolLogLineBytes) }))
    })
    return printed.slice(-maxLines)
  }
}
