/** JSON on one line, in pieces that are coloured by kind. */
export interface InlinePiece {
  readonly kind: 'plain' | 'string' | 'number'
  readonly text: string
}

export interface InlineView {
  readonly pieces: readonly InlinePiece[]
  /** Whether something was left out at the end. */
  readonly cut: boolean
}

const identifier = /^[A-Za-z_$][\w$]*$/

/** One line of at most about `limit` characters. Keys lose their quotes where nothing is lost by that. */
export function inlineJson(value: unknown, limit = 240): InlineView {
  const pieces: InlinePiece[] = []
  let left = limit
  let cut = false
  const put = (kind: InlinePiece['kind'], text: string): void => {
    if (cut) return
    if (text.length > left) {
      cut = true
      pieces.push({ kind, text: text.slice(0, left) }, { kind: 'plain', text: '…' })
      return
    }
    left -= text.length
    const last = pieces[pieces.length - 1]
    if (last?.kind === kind) pieces[pieces.length - 1] = { kind, text: last.text + text }
    else pieces.push({ kind, text })
  }
  const write = (each: unknown, depth: number): void => {
    if (cut) return
    if (typeof each === 'string') put('string', `“${each}”`)
    else if (each === null || typeof each !== 'object') put('number', String(each))
    else if (depth > 8) put('plain', Array.isArray(each) ? '[…]' : '{…}')
    else if (Array.isArray(each)) {
      put('plain', '[')
      each.forEach((item, index) => {
        if (index > 0) put('plain', ', ')
        write(item, depth + 1)
      })
      put('plain', ']')
    } else {
      const entries = Object.entries(each)
      put('plain', entries.length === 0 ? '{' : '{ ')
      entries.forEach(([key, item], index) => {
        put('plain', `${index > 0 ? ', ' : ''}${identifier.test(key) ? key : JSON.stringify(key)}: `)
        write(item, depth + 1)
      })
      put('plain', entries.length === 0 ? '}' : ' }')
    }
  }
  write(value, 0)
  return { pieces, cut }
}

/** Bytes on one line: JSON where they are, else text, else the first bytes in hexadecimal. */
export function inlineBytes(bytes: Uint8Array, limit = 240): InlineView {
  if (bytes.length === 0) return { pieces: [{ kind: 'plain', text: 'no payload' }], cut: false }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    try {
      return inlineJson(JSON.parse(text), limit)
    } catch {
      if (!/[\u0000-\u0008\u000b-\u001f]/.test(text)) {
        return {
          pieces: [{ kind: 'plain', text: text.length > limit ? `${text.slice(0, limit)}…` : text }],
          cut: text.length > limit,
        }
      }
    }
  } catch {
    // Not text: shown as bytes below.
  }
  const shown = [...bytes.subarray(0, 32)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const cut = bytes.length > 32
  return { pieces: [{ kind: 'plain', text: cut ? `${shown} …` : shown }], cut }
}
