/** Texts that cross with every element: known ones cost no coding. */
import type { GuestMemory } from '../../../binding/guest.ts'
import { trap } from '../../../binding/trap.ts'

const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Encodes texts for one guest and remembers the last. */
export class OutgoingText {
  private text = ''
  private bytes: Uint8Array = encoder.encode('')

  /** Puts `text` into memory that the guest gives for it; `length` tells how many bytes there are. */
  lower(memory: GuestMemory, text: string): number {
    if (text !== this.text) {
      this.bytes = encoder.encode(text)
      this.text = text
    }
    const { bytes } = this
    const pointer = memory.allocate(bytes.length, 1)
    const target = memory.bytes
    for (let at = 0; at < bytes.length; at += 1) target[pointer + at] = bytes[at] ?? 0
    return pointer
  }

  get length(): number {
    return this.bytes.length
  }
}

interface Known {
  readonly bytes: Uint8Array
  readonly text: string
}

/** Decodes texts of one guest and remembers some. */
export class IncomingText {
  private readonly known: Known[] = []
  private readonly kept: number
  private next = 0

  constructor(kept: number) {
    this.kept = kept
  }

  /** The text of `length` bytes at `pointer`, which must be in memory, and `maxBytes` at most. Traps on invalid UTF-8. */
  lift(memory: GuestMemory, pointer: number, length: number, maxBytes: number): string {
    if (length === 0) return ''
    memory.check(pointer, length, 1)
    const used = length <= maxBytes ? length : boundary(memory.bytes, pointer, maxBytes)
    for (const known of this.known) {
      if (known.bytes.length === used && matches(memory.bytes, pointer, known.bytes)) return known.text
    }
    const bytes = memory.bytes.slice(pointer, pointer + used)
    const text = decode(bytes)
    this.known[this.next] = { bytes, text }
    this.next = (this.next + 1) % this.kept
    return text
  }
}

/** The text of `length` bytes at `pointer`, cut at `maxBytes` on a character. Traps on bytes out of bounds or invalid. */
export function liftText(memory: GuestMemory, pointer: number, length: number, maxBytes: number): string {
  if (length === 0) return ''
  memory.check(pointer, length, 1)
  const used = length <= maxBytes ? length : boundary(memory.bytes, pointer, maxBytes)
  return decode(memory.bytes.subarray(pointer, pointer + used))
}

/** `text` cut at `maxBytes` of UTF-8 on a character. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  const bytes = encoder.encode(text)
  if (bytes.length <= maxBytes) return text
  return strict.decode(bytes.subarray(0, boundary(bytes, 0, maxBytes)))
}

/** How many of at most `maxBytes` bytes end with a whole character. */
function boundary(bytes: Uint8Array, start: number, maxBytes: number): number {
  let used = maxBytes
  while (used > 0 && ((bytes[start + used] ?? 0) & 0xc0) === 0x80) used -= 1
  return used
}

function matches(memory: Uint8Array, pointer: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (memory[pointer + at] !== bytes[at]) return false
  return true
}

function decode(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch (error) {
    return trap('a string is not valid UTF-8', error)
  }
}
