/** What a guest prints, cut into lines (spec nexum-host 2.3). */

/** An unterminated line is passed on at this many bytes. */
export const maxLineBytes = 1024 * 1024

const newline = 0x0a
const carriageReturn = 0x0d

export class LineSplitter {
  private readonly emit: (line: string) => void
  // Lossy on purpose: a log line is for people, and bytes that are no text must not fail the guest.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  private parts: Uint8Array[] = []
  private pending = 0

  constructor(emit: (line: string) => void) {
    this.emit = emit
  }

  write(bytes: Uint8Array): void {
    let start = 0
    while (start < bytes.byteLength) {
      const end = bytes.indexOf(newline, start)
      const room = maxLineBytes - this.pending
      const stop = Math.min(end < 0 ? bytes.byteLength : end, start + room)
      if (stop > start) this.keep(bytes.slice(start, stop))
      if (stop === end) {
        this.flush(true)
        start = stop + 1
      } else {
        if (this.pending >= maxLineBytes) this.flush(false)
        start = stop
      }
    }
  }

  private keep(part: Uint8Array): void {
    this.parts.push(part)
    this.pending += part.byteLength
    // Byte-wise printing must not cost an object per byte.
    if (this.parts.length >= 512) this.parts = [Buffer.concat(this.parts)]
  }

  private flush(terminated: boolean): void {
    let line: Uint8Array = Buffer.concat(this.parts)
    if (terminated && line.at(-1) === carriageReturn) line = line.subarray(0, -1)
    this.parts = []
    this.pending = 0
    this.emit(this.decoder.decode(line))
  }
}
