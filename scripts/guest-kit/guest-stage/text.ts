// UTF-8 both ways. Stages read and write every element: text of ASCII alone takes a short way.
import { decodeText as decodeAny, encodeText as encodeAny } from '../guest/text.ts'

const beyondAscii = /[^\0-\u007f]/
/** Arguments of one call have to fit on the guest's stack. */
const chunkBytes = 4_096

/** UTF-8 bytes of a text; unpaired surrogates become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  if (beyondAscii.test(text)) return encodeAny(text)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = text.charCodeAt(at)
  return bytes
}

/** The text of UTF-8 bytes; throws a RangeError on bytes that are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += chunkBytes)
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + chunkBytes) as unknown as number[])
  return beyondAscii.test(text) ? decodeAny(bytes) : text
}
