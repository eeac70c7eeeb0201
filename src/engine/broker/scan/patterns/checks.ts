/**
 * Checks of patterns that are more than a prefix and a run. Each looks at a bounded number of bytes before it fails, or
 * at bytes that are part of what it found: that keeps a scan linear.
 */
import { byteClass, classesOfByte } from './byte-classes.ts'

/** Bytes that a label between the dashes of a key block may have. */
const maxLabelBytes = 64
/** Letters between a header's name, its colon and its value: blanks and the quotes of JSON. */
const maxGapBytes = 8
const maxSchemeBytes = 32
const minTokenBytes = 20

export interface Found {
  readonly start: number
  readonly end: number
}

/** The end of the run of bytes of this class that begins at `from`. */
export function runEnd(bytes: Uint8Array, from: number, to: number, mask: number): number {
  let at = from
  while (at < to && ((classesOfByte[bytes[at] ?? 0] ?? 0) & mask) !== 0) at++
  return at
}

/** `digits(8–12):AA` and 30 of base64url, by the place of its colon. */
export function checkTelegramToken(bytes: Uint8Array, colon: number, from: number, to: number): Found | null {
  let start = colon
  const floor = Math.max(from, colon - 12)
  while (start > floor && ((classesOfByte[bytes[start - 1] ?? 0] ?? 0) & byteClass.digit) !== 0) start--
  if (colon - start < 8 || bytes[colon + 1] !== 0x41 || bytes[colon + 2] !== 0x41) return null
  const end = runEnd(bytes, colon + 3, to, byteClass.base64url)
  return end - colon - 3 < 30 ? null : { start, end }
}

/** `Bearer`, blanks, and 20 of token68; `after` is where the word ends. */
export function checkBearer(bytes: Uint8Array, start: number, after: number, to: number): Found | null {
  const token = blanksEnd(bytes, after, Math.min(to, after + maxGapBytes))
  if (token === after) return null
  const end = token68End(bytes, token, to)
  return end - token < minTokenBytes ? null : { start, end }
}

/**
 * `authorization: <scheme> ` and 20 letters; `after` is where the name ends. What was found is scheme and value only, so
 * that JSON stays JSON where it is replaced.
 */
export function checkAuthorization(bytes: Uint8Array, after: number, to: number): Found | null {
  const colon = gapEnd(bytes, after, Math.min(to, after + maxGapBytes))
  if (bytes[colon] !== 0x3a || colon >= to) return null
  const scheme = gapEnd(bytes, colon + 1, Math.min(to, colon + 1 + maxGapBytes))
  const schemeEnd = runEnd(bytes, scheme, Math.min(to, scheme + maxSchemeBytes), byteClass.base64url)
  const value = blanksEnd(bytes, schemeEnd, Math.min(to, schemeEnd + maxGapBytes))
  if (schemeEnd === scheme || value === schemeEnd) return null
  let end = value
  while (end < to && isCredentialByte(bytes[end] ?? 0)) end++
  return end - value < minTokenBytes ? null : { start: scheme, end }
}

/**
 * A block of a private key from `-----BEGIN `, up to the line that ends it, or to the end of the text where no such line
 * is; `after` is where the first label begins.
 */
export function checkPrivateKey(bytes: Buffer, start: number, after: number, to: number): Found | null {
  if (labelEnd(bytes, after, to) === null) return null
  const ending = '-----END '
  // Not beyond the text: many blocks without an end would each look through all that follows.
  const text = bytes.subarray(0, to)
  let at = text.indexOf(ending, after)
  while (at !== -1) {
    const end = labelEnd(bytes, at + ending.length, to)
    if (end !== null) return { start, end }
    at = text.indexOf(ending, at + ending.length)
  }
  return { start, end: to }
}

/** Where `RSA PRIVATE KEY-----` or the like ends; null for another label. */
function labelEnd(bytes: Buffer, from: number, to: number): number | null {
  const limit = Math.min(to, from + maxLabelBytes)
  let at = from
  while (at < limit && isLabelByte(bytes[at] ?? 0)) at++
  if (!bytes.toString('latin1', from, at).includes('PRIVATE KEY')) return null
  return at + 5 <= to && bytes.toString('latin1', at, at + 5) === '-----' ? at + 5 : null
}

function isLabelByte(byte: number): boolean {
  return byte === 0x20 || ((classesOfByte[byte] ?? 0) & byteClass.alphanumeric) !== 0
}

function token68End(bytes: Uint8Array, from: number, to: number): number {
  let at = runEnd(bytes, from, to, byteClass.token68)
  while (at < to && bytes[at] === 0x3d) at++
  return at
}

function blanksEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++
  return at
}

/** Past blanks, quotes and the backslashes before them. */
function gapEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && [0x20, 0x09, 0x22, 0x27, 0x5c].includes(bytes[at] ?? 0)) at++
  return at
}

/** Visible ASCII but for quotes, the comma, angle brackets and the backslash. */
function isCredentialByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && ![0x22, 0x27, 0x2c, 0x3c, 0x3e, 0x5c, 0x60].includes(byte)
}
