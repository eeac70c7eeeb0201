/** JSON in lines that people read: one pass over the text, so that megabytes of it can be taken in parts. */

/** Characters of a line into which short lists and objects are put whole. */
const inlineCharacters = 76
const deepestIndent = 40

export type JsonLineKind = 'k' | 's' | 'n' | 'p'

interface Scalar {
  readonly text: string
  readonly end: number
}

const spaces = /[ \t\r\n]*/y
const plain = /[-+0-9.a-zA-Z]+/y

function skip(text: string, at: number): number {
  spaces.lastIndex = at
  spaces.exec(text)
  return spaces.lastIndex
}

/** A string, number or word, or an empty list or object; null where something else stands. */
function scalarAt(text: string, at: number): Scalar | null {
  const first = text.charCodeAt(at)
  if (first === 34) {
    let end = at + 1
    for (;;) {
      const quote = text.indexOf('"', end)
      if (quote < 0) return null
      let slashes = quote - 1
      while (text.charCodeAt(slashes) === 92) slashes -= 1
      end = quote + 1
      if ((quote - slashes) % 2 === 1) return { text: text.slice(at, end), end }
    }
  }
  if (first === 91 || first === 123) {
    const close = skip(text, at + 1)
    const isEmpty = text.charCodeAt(close) === first + 2
    return isEmpty ? { text: first === 91 ? '[]' : '{}', end: close + 1 } : null
  }
  plain.lastIndex = at
  const found = plain.exec(text)
  return found === null ? null : { text: found[0], end: plain.lastIndex }
}

/** A list or object without others in it, when it is short. */
function inlineAt(text: string, at: number, room: number): Scalar | null {
  const isList = text.charCodeAt(at) === 91
  const parts: string[] = []
  let length = 2
  let next = skip(text, at + 1)
  for (;;) {
    const item = scalarAt(text, next)
    if (item === null || (length += item.text.length + 2) > room) return null
    next = skip(text, item.end)
    if (isList) parts.push(item.text)
    else {
      if (text.charCodeAt(next) !== 58) return null
      const value = scalarAt(text, skip(text, next + 1))
      if (value === null || (length += value.text.length + 2) > room) return null
      parts.push(`${item.text}: ${value.text}`)
      next = skip(text, value.end)
    }
    const mark = text.charCodeAt(next)
    if (mark === (isList ? 93 : 125)) {
      const all = parts.join(', ')
      return { text: isList ? `[${all}]` : `{ ${all} }`, end: next + 1 }
    }
    if (mark !== 44) return null
    next = skip(text, next + 1)
  }
}

/** The lines of a JSON text. What is no JSON comes as it is, from where it stops being some. */
export function* prettyLines(text: string): Generator<string> {
  const closers: (']' | '}')[] = []
  let at = skip(text, 0)
  /** Name before the value that comes next, and list items that share a line. */
  let label = ''
  let packed = ''
  const indent = (): string => '  '.repeat(Math.min(closers.length, deepestIndent))
  while (at < text.length) {
    const closer = closers.at(-1)
    if (closer === '}' && label === '') {
      const name = scalarAt(text, at)
      const colon = name === null ? -1 : skip(text, name.end)
      if (name === null || text.charCodeAt(colon) !== 58) break
      label = `${name.text}: `
      at = skip(text, colon + 1)
    }
    const first = text.charCodeAt(at)
    const isOpen = first === 91 || first === 123
    const whole =
      scalarAt(text, at) ?? (isOpen ? inlineAt(text, at, inlineCharacters - closers.length * 2) : null)
    if (whole === null) {
      if (!isOpen) break
      if (packed !== '') yield indent() + packed
      packed = ''
      yield indent() + label + text.charAt(at)
      closers.push(first === 91 ? ']' : '}')
      label = ''
      at = skip(text, at + 1)
      continue
    }
    at = skip(text, whole.end)
    let line = label + whole.text
    label = ''
    let isDone = false
    // Every list and object that ends here.
    while (text.charAt(at) === closers.at(-1)) {
      if (closers.at(-1) === ']') {
        if (packed !== '' && packed.length + line.length > inlineCharacters) {
          yield indent() + packed
          packed = ''
        }
        line = packed === '' ? line : `${packed} ${line}`
        packed = ''
      }
      yield indent() + line
      line = closers.pop() ?? ''
      at = skip(text, at + 1)
      isDone = true
    }
    const goesOn = text.charAt(at) === ','
    if (goesOn) at = skip(text, at + 1)
    const ended = goesOn ? `${line},` : line
    if (closers.at(-1) === ']' && goesOn && !isDone && !isOpen) {
      if (packed !== '' && packed.length + ended.length > inlineCharacters) {
        yield indent() + packed
        packed = ''
      }
      packed = packed === '' ? ended : `${packed} ${ended}`
    } else {
      if (packed !== '') yield indent() + packed
      packed = ''
      yield indent() + ended
    }
    if (!goesOn) break
  }
  if (packed !== '') yield indent() + packed
  // Nothing is left of JSON.
  for (; at < text.length; at += 2_000) yield text.slice(at, at + 2_000)
}

export interface LineToken {
  readonly kind: JsonLineKind
  readonly text: string
}

const token = /"(?:[^"\\]|\\.)*"?(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g

/** Parts of a line, to be coloured. */
export function lineTokens(line: string): LineToken[] {
  const tokens: LineToken[] = []
  let from = 0
  for (const match of line.matchAll(token)) {
    if (match.index > from) tokens.push({ kind: 'p', text: line.slice(from, match.index) })
    const colon = match[1] ?? ''
    const body = match[0].slice(0, match[0].length - colon.length)
    tokens.push({ kind: body.startsWith('"') ? (colon === '' ? 's' : 'k') : 'n', text: body })
    if (colon !== '') tokens.push({ kind: 'p', text: colon })
    from = match.index + match[0].length
  }
  if (from < line.length) tokens.push({ kind: 'p', text: line.slice(from) })
  return tokens
}
