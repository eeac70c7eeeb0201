/**
 * Looks for the values of one call in every form that spec tools 6 names: as they are, percent-encoded, escaped as in
 * JSON, in base64 and base64url at any place of a group, as basic pair and as header value. Forms that decoding undoes
 * are found in the decoded text, so that each mixture of them is found, too. Its work is linear.
 */
import type { Span } from '../matches.ts'
import type { ExactSecret } from '../types.ts'
import { feedUnescaped, Fork, PercentDecoder, type Stage } from './decoders.ts'
import { Finder } from './finder.ts'
import { needlesOf, overwriteNeedles } from './needles.ts'
import { NeedleTrie } from './trie.ts'

/** Bytes between two pauses. */
const blockBytes = 65_536

/** Half a value at the end of a cut text is as short as that. */
const minTextBytes = 4

const equals = 0x3d

export class ExactScanner {
  /** Whether there is nothing to look for. */
  readonly isEmpty: boolean
  private readonly plain: NeedleTrie
  private readonly base64: NeedleTrie
  private readonly hasBlanks: boolean

  constructor(secrets: readonly ExactSecret[]) {
    const needles = needlesOf(secrets)
    this.isEmpty = needles.plain.length === 0
    this.plain = new NeedleTrie(needles.plain)
    this.base64 = new NeedleTrie(needles.base64)
    this.hasBlanks = needles.hasBlanks
    overwriteNeedles(needles)
  }

  /** Everything at once, in no order; `isCut` counts half a value at the end. */
  find(bytes: Uint8Array, from = 0, to = bytes.length, isCut = false): Span[] {
    const steps = this.search(bytes, from, to, isCut)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  /** The same with a pause after each 64 KiB. */
  *search(bytes: Uint8Array, from = 0, to = bytes.length, isCut = false): Generator<void, Span[]> {
    const spans: Span[] = []
    if (this.isEmpty || to - from < minTextBytes) return spans
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, to)
    yield* feedRaw(text, from, to, this.sink(text, to - from, spans), isCut)
    const hasForms = this.hasBlanks && text.indexOf('+', from) !== -1
    if (hasForms || text.indexOf('%', from) !== -1)
      yield* feedRaw(text, from, to, this.percentDecoded(text, to - from, spans), isCut)
    if (text.indexOf('\\', from) === -1) return spans
    // Always both: an escape may hide the percent sign itself.
    const stage = new Fork(this.sink(text, to - from, spans), this.percentDecoded(text, to - from, spans))
    for (let at = from; at < to; yield) at = feedUnescaped(text, at, Math.min(to, at + blockBytes), to, stage)
    stage.finish(isCut)
    return spans
  }

  overwrite(): void {
    this.plain.overwrite()
    this.base64.overwrite()
  }

  private percentDecoded(text: Buffer, textBytes: number, spans: Span[]): Stage {
    const decoder = (plusIsBlank: boolean) =>
      new PercentDecoder(this.sink(text, textBytes, spans), plusIsBlank)
    return this.hasBlanks ? new Fork(decoder(false), decoder(true)) : decoder(false)
  }

  private sink(text: Uint8Array, textBytes: number, spans: Span[]): Stage {
    const plain = new Finder(this.plain, textBytes, (span) => spans.push(span))
    const base64 = new Finder(this.base64, textBytes, (span) => spans.push(withPadding(text, span)))
    return new Sink(plain, base64)
  }
}

function* feedRaw(
  bytes: Uint8Array,
  from: number,
  to: number,
  stage: Stage,
  isCut: boolean,
): Generator<void, void> {
  for (let at = from; at < to; yield) {
    const end = Math.min(to, at + blockBytes)
    for (; at < end; at++) stage.feed(bytes[at] ?? 0, at, at + 1)
  }
  stage.finish(isCut)
}

/** Base64 is filled up to groups of four letters. */
function withPadding(text: Uint8Array, { start, end }: Span): Span {
  let to = end
  while (to < end + 2 && text[to] === equals) to++
  return { start, end: to }
}

/** What a byte is as a letter of base64: 0 ends it, 1 is passed over. */
const base64Letters = tabulateLetters()

function tabulateLetters(): Uint8Array {
  const table = new Uint8Array(256)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (const byte of Buffer.from(letters)) table[byte] = byte
  table[0x2d] = 0x2b
  table[0x5f] = 0x2f
  // Lines are broken within base64 (RFC 2045, 6.8).
  table[0x0a] = 1
  table[0x0d] = 1
  return table
}

/** Plain text for one finder, its base64 and base64url as one alphabet for the other. */
class Sink implements Stage {
  private readonly plain: Finder
  private readonly base64: Finder

  constructor(plain: Finder, base64: Finder) {
    this.plain = plain
    this.base64 = base64
  }

  feed(byte: number, start: number, end: number): void {
    this.plain.feed(byte, start, end)
    const letter = base64Letters[byte] ?? 0
    if (letter > 1) this.base64.feed(letter, start, end)
    else if (letter === 0) this.base64.interrupt()
  }

  finish(isCut: boolean): void {
    if (!isCut) return
    this.plain.endCut()
    this.base64.endCut()
  }
}
