// Text and bytes inside a guest, where neither TextEncoder nor TextDecoder exists.

/** UTF-8 bytes of a text; unpaired surrogates become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    let point = character.codePointAt(0) ?? 0
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point < 0x10000)
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    else {
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 63),
        0x80 | ((point >> 6) & 63),
        0x80 | (point & 63),
      )
    }
  }
  return Uint8Array.from(bytes)
}

/** The text of UTF-8 bytes; throws a RangeError on bytes that are not UTF-8. */
export function decodeText(bytes: Iterable<number>): string {
  let escaped = ''
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`
  try {
    return decodeURIComponent(escaped)
  } catch {
    throw new RangeError('The bytes are not UTF-8 text.')
  }
}

/** The same text with unpaired surrogates as U+FFFD: they cannot cross the boundary and would end the instance. */
export function wellFormed(value: string): string {
  return value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
}
