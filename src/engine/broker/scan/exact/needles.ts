/** The texts to look for when a value is looked for (spec tools 6): all but those that decoding a text makes plain. */
import type { ExactSecret } from '../types.ts'

export interface Needle {
  readonly bytes: Uint8Array
  /** Whether the byte before, or the one after, holds some bits of the value as well. */
  readonly reachesLeft: boolean
  readonly reachesRight: boolean
}

export interface Needles {
  /** In plain text, also after it was percent-decoded or unescaped. */
  readonly plain: readonly Needle[]
  /** In text whose base64url was made base64. */
  readonly base64: readonly Needle[]
  /** Whether a value has blanks, which a form writes as `+`. */
  readonly hasBlanks: boolean
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** Nothing of it becomes a string: strings cannot be overwritten. */
export function needlesOf(secrets: readonly ExactSecret[]): Needles {
  const plain: Needle[] = []
  const base64: Needle[] = []
  let hasBlanks = false
  for (const { value, injections } of secrets) {
    // A value that was overwritten when its lease ended is nothing to look for.
    if (value.length === 0 || value.every((byte) => byte === 0)) continue
    const spellings = [value, ...latin1Of(value)]
    for (const spelling of spellings) {
      plain.push(whole(Buffer.from(spelling)))
      base64.push(...base64Needles(spelling))
      if (spelling.includes(0x20)) hasBlanks = true
      for (const injection of injections) {
        if (injection.type === 'bearer') plain.push(whole(concat('Bearer ', spelling)))
        if (injection.type === 'header') plain.push(whole(concat(injection.prefix, spelling)))
        if (injection.type !== 'basic') continue
        const pair = concat(`${injection.username}:`, spelling)
        plain.push(whole(concat('Basic ', padded(pair))), whole(pair))
        base64.push(...base64Needles(pair))
      }
    }
  }
  return { plain, base64, hasBlanks }
}

export function overwriteNeedles({ plain, base64 }: Needles): void {
  for (const { bytes } of [...plain, ...base64]) bytes.fill(0)
}

function whole(bytes: Uint8Array): Needle {
  return { bytes, reachesLeft: false, reachesRight: false }
}

function concat(text: string, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(text), value])
}

/**
 * What of the value's base64 does not depend on its neighbours, for each place it can have in a group of three bytes
 * (6 bytes give at least 7 letters).
 */
function base64Needles(value: Uint8Array): Needle[] {
  return [0, 1, 2].map((before) => {
    const firstBit = before * 8
    const lastBit = firstBit + value.length * 8
    const first = Math.ceil(firstBit / 6)
    const last = Math.floor(lastBit / 6)
    const shifted = Buffer.concat([Buffer.alloc(before), value])
    const bytes = letters(shifted, first, last)
    shifted.fill(0)
    return { bytes, reachesLeft: firstBit % 6 !== 0, reachesRight: lastBit % 6 !== 0 }
  })
}

function padded(value: Uint8Array): Buffer {
  const count = Math.ceil((value.length * 8) / 6)
  return Buffer.concat([letters(value, 0, count), Buffer.alloc((4 - (count % 4)) % 4, '=')])
}

/** The letters of base64 from `first` up to `last`, exclusive. */
function letters(bytes: Uint8Array, first: number, last: number): Buffer {
  const text = Buffer.alloc(Math.max(0, last - first))
  for (let index = first; index < last; index++) {
    const bit = index * 6
    const at = bit >> 3
    const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    text[index - first] = alphabet[(pair >> (10 - (bit & 7))) & 63] ?? 0
  }
  return text
}

/** The value with one byte per letter, where UTF-8 has two: header values travel so. Nothing where they are the same. */
function latin1Of(value: Uint8Array): Uint8Array[] {
  const bytes: number[] = []
  for (let at = 0; at < value.length; at++) {
    const byte = value[at] ?? 0
    const following = value[at + 1] ?? 0
    if (byte < 0x80) bytes.push(byte)
    else if ((byte === 0xc2 || byte === 0xc3) && (following & 0xc0) === 0x80) {
      bytes.push(((byte & 0x03) << 6) | (following & 0x3f))
      at += 1
    } else return []
  }
  return bytes.length === value.length ? [] : [Buffer.from(bytes)]
}
