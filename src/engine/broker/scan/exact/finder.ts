/** Looks for values in a stream of bytes that were decoded from others, and tells where those others are. */
import type { Span } from '../matches.ts'
import type { NeedleTrie } from './trie.ts'

/** Where the end of a text is cut, this many bytes of a value's beginning count as a match. */
const minHalfBytes = 4

export class Finder {
  private readonly trie: NeedleTrie
  private readonly found: (span: Span) => void
  private node = 0
  /** Where the last decoded bytes begin among the others, by their number. */
  private readonly starts: Int32Array
  private readonly mask: number
  private count = 0
  private lastEnd = 0
  /** The match before reaches into the next byte. */
  private reachesOn = -1

  /** For a text of `textBytes` at most. */
  constructor(trie: NeedleTrie, textBytes: number, found: (span: Span) => void) {
    this.trie = trie
    this.found = found
    // One more than the longest: the byte before a match may be part of it.
    const kept = Math.min(trie.longest, textBytes) + 2
    let size = 16
    while (size < kept) size *= 2
    this.starts = new Int32Array(size)
    this.mask = size - 1
  }

  /** The next decoded byte, and where its source begins and ends. */
  feed(byte: number, start: number, end: number): void {
    if (this.reachesOn >= 0) {
      this.found({ start: this.reachesOn, end })
      this.reachesOn = -1
    }
    const { trie } = this
    this.starts[this.count & this.mask] = start
    this.count += 1
    this.lastEnd = end
    this.node = trie.step(this.node, byte)
    const length = trie.lengthAt(this.node)
    if (length === 0) return
    const isInner = trie.reachesLeftAt(this.node) && this.count > length
    const from = this.startOf(length + (isInner ? 1 : 0))
    this.found({ start: from, end })
    if (trie.reachesRightAt(this.node)) this.reachesOn = from
  }

  /** Something that is no part of the text: what was seen of a value is forgotten. */
  interrupt(): void {
    this.node = 0
    this.reachesOn = -1
    this.count = 0
  }

  /** The text was cut here: half a value at its end counts. */
  endCut(): void {
    const depth = this.trie.depthAt(this.node)
    if (depth >= minHalfBytes) this.found({ start: this.startOf(depth), end: this.lastEnd })
  }

  private startOf(bytesAgo: number): number {
    return this.starts[(this.count - bytesAgo) & this.mask] ?? 0
  }
}
