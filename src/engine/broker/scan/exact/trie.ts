/**
 * Finds many texts in one pass in memory that grows with the texts only (Aho and Corasick, 1975): values may be long, and
 * a table of all transitions would take a kibibyte for each of their bytes.
 */
import type { Needle } from './needles.ts'

const reachesLeft = 1
const reachesRight = 2

export class NeedleTrie {
  /** Bytes of the longest text. */
  readonly longest: number
  private readonly bytes: Uint8Array
  private readonly firstChild: Int32Array
  private readonly nextSibling: Int32Array
  private readonly fallback: Int32Array
  private readonly depths: Int32Array
  /** Bytes of the longest text that ends at a node. */
  private readonly lengths: Int32Array
  private readonly reaches: Uint8Array
  private readonly fromRoot = new Int32Array(256)
  private nodes = 1

  constructor(needles: readonly Needle[]) {
    const size = 1 + needles.reduce((sum, { bytes }) => sum + bytes.length, 0)
    this.longest = needles.reduce((most, { bytes }) => Math.max(most, bytes.length), 0)
    this.bytes = new Uint8Array(size)
    this.firstChild = new Int32Array(size)
    this.nextSibling = new Int32Array(size)
    this.fallback = new Int32Array(size)
    this.depths = new Int32Array(size)
    this.lengths = new Int32Array(size)
    this.reaches = new Uint8Array(size)
    for (const needle of needles) this.insert(needle)
    this.linkFallbacks()
  }

  /** The node after another byte; 0 is where nothing of any text was seen. */
  step(node: number, byte: number): number {
    for (let at = node; at !== 0; at = this.fallback[at] ?? 0) {
      const child = this.childOf(at, byte)
      if (child !== 0) return child
    }
    return this.fromRoot[byte] ?? 0
  }

  /** Bytes of the longest text that ends here; 0 for none. */
  lengthAt(node: number): number {
    return this.lengths[node] ?? 0
  }

  /** Bytes of the longest text's beginning that was seen last. */
  depthAt(node: number): number {
    return this.depths[node] ?? 0
  }

  reachesLeftAt(node: number): boolean {
    return ((this.reaches[node] ?? 0) & reachesLeft) !== 0
  }

  reachesRightAt(node: number): boolean {
    return ((this.reaches[node] ?? 0) & reachesRight) !== 0
  }

  /** Nothing is found any more. */
  overwrite(): void {
    this.bytes.fill(0)
    this.fromRoot.fill(0)
    this.firstChild.fill(0)
  }

  private childOf(node: number, byte: number): number {
    let child = this.firstChild[node] ?? 0
    while (child !== 0 && this.bytes[child] !== byte) child = this.nextSibling[child] ?? 0
    return child
  }

  private insert({ bytes, ...needle }: Needle): void {
    if (bytes.length === 0) return
    let node = 0
    for (const byte of bytes) {
      const child = node === 0 ? (this.fromRoot[byte] ?? 0) : this.childOf(node, byte)
      node = child === 0 ? this.grow(node, byte) : child
    }
    this.lengths[node] = bytes.length
    const reaches = (needle.reachesLeft ? reachesLeft : 0) | (needle.reachesRight ? reachesRight : 0)
    this.reaches[node] = (this.reaches[node] ?? 0) | reaches
  }

  private grow(parent: number, byte: number): number {
    const node = this.nodes++
    this.bytes[node] = byte
    this.depths[node] = (this.depths[parent] ?? 0) + 1
    this.nextSibling[node] = this.firstChild[parent] ?? 0
    this.firstChild[parent] = node
    if (parent === 0) this.fromRoot[byte] = node
    return node
  }

  /** By breadth: what is fallen back to is complete. */
  private linkFallbacks(): void {
    const queue = new Int32Array(this.nodes)
    let tail = 1
    for (let head = 0; head < tail; head++) {
      const node = queue[head] ?? 0
      const back = this.fallback[node] ?? 0
      if (node !== 0 && this.lengths[node] === 0) {
        this.lengths[node] = this.lengths[back] ?? 0
        this.reaches[node] = this.reaches[back] ?? 0
      }
      for (let child = this.firstChild[node] ?? 0; child !== 0; child = this.nextSibling[child] ?? 0) {
        if (node !== 0) this.fallback[child] = this.step(back, this.bytes[child] ?? 0)
        queue[tail++] = child
      }
    }
  }
}
