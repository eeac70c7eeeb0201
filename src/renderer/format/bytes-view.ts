/** How the bytes of a store value can be read. */
export type ValueForm = 'json' | 'text' | 'hex'

export interface ValueView {
  /** The most telling form these bytes have. */
  readonly best: ValueForm
  /** The forms that make sense for these bytes, best first. */
  readonly forms: readonly ValueForm[]
  readonly json: string | null
  readonly text: string | null
  readonly hex: string
}

const bytesPerLine = 16

function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    // Control characters are what tells text from binary.
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text) ? null : text
  } catch {
    return null
  }
}

function indent(text: string): string | null {
  const start = text.trimStart().charAt(0)
  if (start !== '{' && start !== '[') return null
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return null
  }
}

/** Lines of an offset, 16 bytes in hexadecimal, and the printable ASCII among them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let offset = 0; offset < bytes.length; offset += bytesPerLine) {
    const row = [...bytes.subarray(offset, offset + bytesPerLine)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
    lines.push(`${offset.toString(16).padStart(6, '0')}  ${hex.padEnd(bytesPerLine * 3 - 1)}  ${ascii}`)
  }
  return lines.join('\n')
}

/** What a store value is: JSON when it parses as an object or array, else text, else hexadecimal. */
export function viewValue(bytes: Uint8Array): ValueView {
  const text = bytes.length === 0 ? null : decode(bytes)
  const json = text === null ? null : indent(text)
  const forms: ValueForm[] = []
  if (json !== null) forms.push('json')
  if (text !== null) forms.push('text')
  forms.push('hex')
  return { best: forms[0] ?? 'hex', forms, json, text, hex: hexDump(bytes) }
}
