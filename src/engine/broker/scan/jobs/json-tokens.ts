/** Walks over JSON text that is known to be JSON; without recursion, however deep it is. */

export interface JsonToken {
  /** `open` and `close` are of objects and arrays alike. */
  readonly kind: 'open' | 'close' | 'key' | 'string' | 'number'
  readonly start: number
  /** Exclusive; the quotes of a string are within. */
  readonly end: number
  readonly hasEscapes: boolean
}

export function* jsonTokens(bytes: Uint8Array): Generator<JsonToken, void> {
  // Whether each thing that is open is an object.
  const isObject: boolean[] = []
  let isKeyNext = false
  for (let at = 0; at < bytes.length; at++) {
    const start = at
    switch (bytes[at]) {
      case 0x7b: // {
      case 0x5b: // [
        isObject.push(bytes[at] === 0x7b)
        isKeyNext = bytes[at] === 0x7b
        yield { kind: 'open', start, end: at + 1, hasEscapes: false }
        break
      case 0x7d: // }
      case 0x5d: // ]
        isObject.pop()
        isKeyNext = false
        yield { kind: 'close', start, end: at + 1, hasEscapes: false }
        break
      case 0x2c: // ,
        isKeyNext = isObject[isObject.length - 1] === true
        break
      case 0x3a: // :
        isKeyNext = false
        break
      case 0x22: {
        const hasEscapes = { seen: false }
        at = stringEnd(bytes, at, hasEscapes)
        yield { kind: isKeyNext ? 'key' : 'string', start, end: at + 1, hasEscapes: hasEscapes.seen }
        break
      }
      default:
        if (!isNumberByte(bytes[at] ?? 0)) break
        while (isNumberByte(bytes[at + 1] ?? 0) || isExponent(bytes[at + 1] ?? 0)) at++
        yield { kind: 'number', start, end: at + 1, hasEscapes: false }
    }
  }
}

/** Where the closing quote is. */
function stringEnd(bytes: Uint8Array, start: number, escapes: { seen: boolean }): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== 0x22) {
    if (bytes[at] === 0x5c) {
      escapes.seen = true
      at += 1
    }
    at += 1
  }
  return at
}

/** A number begins with one of these; after that there may be an exponent. */
function isNumberByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e
}

function isExponent(byte: number): boolean {
  return byte === 0x65 || byte === 0x45
}
