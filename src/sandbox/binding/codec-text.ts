/** Codecs of `string` and `list<u8>`, the types that most bytes travel as. */
import type { GuestMemory } from './guest.ts'
import type { Codec } from './layout.ts'
import { trap } from './trap.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Up to here a loop over ASCII is faster than entering the platform's codec. */
const shortText = 24

/** The text of `length` bytes at `start`; traps on bytes out of bounds and on invalid UTF-8. */
export function readText(memory: GuestMemory, start: number, length: number): string {
  memory.guest.charge(length)
  memory.check(start, length, 1)
  const { bytes } = memory
  if (length <= shortText) {
    let text = ''
    for (let at = start; at < start + length; at += 1) {
      const code = bytes[at] ?? 0x80
      if (code >= 0x80) return decode(bytes, start, length)
      text += String.fromCharCode(code)
    }
    return text
  }
  return decode(bytes, start, length)
}

function decode(bytes: Uint8Array, start: number, length: number): string {
  try {
    return decoder.decode(bytes.subarray(start, start + length))
  } catch (error) {
    return trap('a string is not valid UTF-8', error)
  }
}

/** Writes `text` into memory of the guest's own; a lone surrogate becomes U+FFFD. Returns its byte length. */
function writeText(memory: GuestMemory, text: unknown, place: (start: number, length: number) => void): void {
  if (typeof text !== 'string') throw new TypeError('a string was expected')
  if (text.length <= shortText && isAscii(text)) {
    const start = memory.allocate(text.length, 1)
    const { bytes } = memory
    for (let at = 0; at < text.length; at += 1) bytes[start + at] = text.charCodeAt(at)
    place(start, text.length)
    return
  }
  const length = Buffer.byteLength(text, 'utf8')
  memory.guest.charge(length)
  const start = memory.allocate(length, 1)
  encoder.encodeInto(text, memory.bytes.subarray(start, start + length))
  place(start, length)
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= 0x80) return false
  return true
}

function readBytes(memory: GuestMemory, start: number, length: number): Uint8Array {
  memory.guest.charge(length)
  memory.check(start, length, 1)
  return memory.bytes.slice(start, start + length)
}

function writeBytes(
  memory: GuestMemory,
  value: unknown,
  place: (start: number, length: number) => void,
): void {
  if (!(value instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array')
  memory.guest.charge(value.byteLength)
  const start = memory.allocate(value.byteLength, 1)
  memory.bytes.set(value, start)
  place(start, value.byteLength)
}

type Read = (memory: GuestMemory, start: number, length: number) => unknown
type Write = (memory: GuestMemory, value: unknown, place: (start: number, length: number) => void) => void

function sequence(read: Read, write: Write): Codec {
  return {
    size: 8,
    alignment: 4,
    flat: ['i32', 'i32'],
    scalar: false,
    load: (memory, pointer) =>
      read(memory, memory.view.getUint32(pointer, true), memory.view.getUint32(pointer + 4, true)),
    lift: (memory, flat, at) => read(memory, Number(flat[at]) >>> 0, Number(flat[at + 1]) >>> 0),
    store: (memory, pointer, value) =>
      write(memory, value, (start, length) => {
        memory.view.setUint32(pointer, start, true)
        memory.view.setUint32(pointer + 4, length, true)
      }),
    lower: (memory, value, out, at) =>
      write(memory, value, (start, length) => {
        out[at] = start
        out[at + 1] = length
      }),
  }
}

export const stringCodec = sequence(readText, writeText)
export const bytesCodec = sequence(readBytes, writeBytes)
