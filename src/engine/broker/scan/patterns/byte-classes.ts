/** Classes of bytes that patterns are made of, as bits looked up in one table. */

const digit = 1
const upper = 2
const lower = 4
const hexLetter = 8
const dash = 16
const underscore = 32
/** `.`, `~`, `+`, `/`: with the others, what token68 has (RFC 9110, 11.2). */
const token68Mark = 64

export const byteClass = {
  digit,
  alphanumeric: digit | upper | lower,
  upperOrDigit: digit | upper,
  hex: digit | hexLetter,
  alphanumericOrDash: digit | upper | lower | dash,
  word: digit | upper | lower | underscore,
  /** The alphabet of base64url. */
  base64url: digit | upper | lower | dash | underscore,
  token68: digit | upper | lower | dash | underscore | token68Mark,
} as const

/** The bits of each byte. */
export const classesOfByte: Uint8Array = tabulate()

function tabulate(): Uint8Array {
  const table = new Uint8Array(256)
  const add = (letters: string, bits: number): void => {
    for (const letter of letters) {
      const byte = letter.charCodeAt(0)
      table[byte] = (table[byte] ?? 0) | bits
    }
  }
  add('0123456789', digit)
  add('ABCDEFGHIJKLMNOPQRSTUVWXYZ', upper)
  add('abcdefghijklmnopqrstuvwxyz', lower)
  add('abcdefABCDEF', hexLetter)
  add('-', dash)
  add('_', underscore)
  add('.~+/', token68Mark)
  return table
}
