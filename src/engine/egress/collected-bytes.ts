/** Smaller pieces are copied into blocks of this many bytes. */
const blockBytes = 65_536

/** Pieces of a body, in memory of about its own size: a server may send them byte by byte, each of which would be an object. */
export class CollectedBytes {
  size = 0
  private readonly whole: Uint8Array[] = []
  private block = new Uint8Array(0)
  private used = 0

  add(piece: Uint8Array): void {
    this.size += piece.length
    if (piece.length >= blockBytes) {
      this.endBlock()
      this.whole.push(piece)
      return
    }
    if (this.used + piece.length > this.block.length) {
      this.endBlock()
      this.block = new Uint8Array(blockBytes)
    }
    this.block.set(piece, this.used)
    this.used += piece.length
  }

  /** All of it, in one piece of its own; nothing may be added any more. */
  take(): Uint8Array {
    this.endBlock()
    const all = new Uint8Array(this.size)
    let at = 0
    for (const part of this.whole.splice(0)) {
      all.set(part, at)
      at += part.length
    }
    return all
  }

  private endBlock(): void {
    if (this.used > 0) this.whole.push(this.block.subarray(0, this.used))
    this.block = new Uint8Array(0)
    this.used = 0
  }
}
