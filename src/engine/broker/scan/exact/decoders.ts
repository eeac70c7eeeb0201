/** Stages that undo one way of writing a text, byte by byte, and tell where each byte came from. */

export interface Stage {
  /** The next byte, and where its source begins and ends. */
  feed(byte: number, start: number, end: number): void
  /** The text ends, or was cut here. */
  finish(isCut: boolean): void
}

const percent = 0x25
const plus = 0x2b
const blank = 0x20

/** Undoes `%41`; with `plusIsBlank` also `+`, as forms have it. What is no such thing passes as it is. */
export class PercentDecoder implements Stage {
  private readonly next: Stage
  private readonly plusIsBlank: boolean
  /** Of an escape begun: its first byte and perhaps its first digit, with their places. */
  private begun = 0
  private percentStart = 0
  private percentEnd = 0
  private digit = 0
  private digitStart = 0
  private digitEnd = 0

  constructor(next: Stage, plusIsBlank: boolean) {
    this.next = next
    this.plusIsBlank = plusIsBlank
  }

  feed(byte: number, start: number, end: number): void {
    if (this.begun === 0) this.begin(byte, start, end)
    else if (hexValue(byte) < 0) {
      this.letGo()
      this.begin(byte, start, end)
    } else if (this.begun === 1) {
      this.begun = 2
      this.digit = byte
      this.digitStart = start
      this.digitEnd = end
    } else {
      this.begun = 0
      this.next.feed(hexValue(this.digit) * 16 + hexValue(byte), this.percentStart, end)
    }
  }

  finish(isCut: boolean): void {
    this.letGo()
    this.next.finish(isCut)
  }

  private begin(byte: number, start: number, end: number): void {
    if (byte === percent) {
      this.begun = 1
      this.percentStart = start
      this.percentEnd = end
    } else this.next.feed(byte === plus && this.plusIsBlank ? blank : byte, start, end)
  }

  /** It was no escape. */
  private letGo(): void {
    const { begun } = this
    this.begun = 0
    if (begun > 0) this.next.feed(percent, this.percentStart, this.percentEnd)
    if (begun > 1) this.next.feed(this.digit, this.digitStart, this.digitEnd)
  }
}

/** Two stages that get the same. */
export class Fork implements Stage {
  private readonly first: Stage
  private readonly second: Stage

  constructor(first: Stage, second: Stage) {
    this.first = first
    this.second = second
  }

  feed(byte: number, start: number, end: number): void {
    this.first.feed(byte, start, end)
    this.second.feed(byte, start, end)
  }

  finish(isCut: boolean): void {
    this.first.finish(isCut)
    this.second.finish(isCut)
  }
}

const backslash = 0x5c
const shortEscapes = new Map([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
])

/**
 * Feeds the bytes from `at` to at least `until` as they are without the escapes of JSON; answers where to go on. `to` is
 * the end of all.
 */
export function feedUnescaped(bytes: Uint8Array, at: number, until: number, to: number, next: Stage): number {
  let from = at
  while (from < until) {
    const byte = bytes[from] ?? 0
    if (byte !== backslash || from + 1 >= to) {
      next.feed(byte, from, from + 1)
      from += 1
      continue
    }
    const letter = shortEscapes.get(bytes[from + 1] ?? 0)
    const unit = letter === undefined ? codeUnit(bytes, from, to) : -1
    if (letter !== undefined) {
      next.feed(letter, from, from + 2)
      from += 2
    } else if (unit < 0) {
      next.feed(byte, from, from + 1)
      from += 1
    } else from = feedUnit(bytes, from, to, unit, next)
  }
  return from
}

/** The letter of `\uXXXX`, together with the next where both make one; answers where to go on. */
function feedUnit(bytes: Uint8Array, from: number, to: number, unit: number, next: Stage): number {
  const isHigh = unit >= 0xd800 && unit < 0xdc00
  const low = isHigh ? codeUnit(bytes, from + 6, to) : -1
  const isPair = low >= 0xdc00 && low < 0xe000
  const end = from + (isPair ? 12 : 6)
  const code = isPair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit
  if (code < 0x80) next.feed(code, from, end)
  else {
    const rest = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3
    const marks = [0, 0xc0, 0xe0, 0xf0]
    next.feed((marks[rest] ?? 0) | (code >> (6 * rest)), from, end)
    for (let index = rest - 1; index >= 0; index--) next.feed(0x80 | ((code >> (6 * index)) & 63), from, end)
  }
  return end
}

/** Of `\uXXXX` at `at`, or -1. */
function codeUnit(bytes: Uint8Array, at: number, to: number): number {
  if (at + 6 > to || bytes[at] !== backslash || bytes[at + 1] !== 0x75) return -1
  let unit = 0
  for (let index = 2; index < 6; index++) {
    const value = hexValue(bytes[at + index] ?? 0)
    if (value < 0) return -1
    unit = unit * 16 + value
  }
  return unit
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
