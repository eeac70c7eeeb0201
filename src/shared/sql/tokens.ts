/**
 * Cuts SQL text into tokens the way SQLite does: it skips exactly what the engine skips (spec actors-sql 8.1). Pure.
 */

/** `name` is a bare word, `quoted` one in double quotes, backticks or brackets, `string` a literal in single quotes. */
export type TokenKind = 'name' | 'quoted' | 'string' | 'semicolon' | 'other'

export interface Token {
  readonly kind: TokenKind
  /** Names and literals without their quotes; else as written. */
  readonly text: string
  /** `text` in upper case, for keywords: empty for all but names. */
  readonly word: string
  readonly start: number
  readonly end: number
}

const tab = 0x09
const lineFeed = 0x0a
const verticalTab = 0x0b
const formFeed = 0x0c
const carriageReturn = 0x0d
const space = 0x20
const byteOrderMark = 0xfeff

/** The engine takes a vertical tab for a blank only behind another one; where it does not, it refuses the statement itself. */
function isSpace(code: number): boolean {
  return (
    code === space ||
    code === lineFeed ||
    code === tab ||
    code === verticalTab ||
    code === carriageReturn ||
    code === formFeed ||
    code === byteOrderMark
  )
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isNameStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80
}

/** SQLite's IdChar: letters, digits, "_", "$" and every byte above 0x7f. */
function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code) || code === 0x24
}

/** The engine reads up to the first NUL and not beyond. */
export function readableText(sql: string): string {
  const end = sql.indexOf('\0')
  return end < 0 ? sql : sql.slice(0, end)
}

/** The tokens of `sql`, comments and blanks left out. An unclosed comment or quote takes the rest of the text. */
export function tokenize(sql: string): Token[] {
  const text = readableText(sql)
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (isSpace(code)) {
      at += 1
      continue
    }
    const comment = commentEnd(text, at)
    if (comment > at) {
      at = comment
      continue
    }
    const token = readToken(text, at, code)
    tokens.push(token)
    at = token.end
  }
  return tokens
}

function commentEnd(text: string, at: number): number {
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at)
    return end < 0 ? text.length : end + 1
  }
  // A lone "/*" at the very end is no comment to the engine, but nothing can follow it either.
  if (text.startsWith('/*', at)) {
    const end = text.indexOf('*/', at + 2)
    return end < 0 ? text.length : end + 2
  }
  return at
}

function readToken(text: string, at: number, code: number): Token {
  switch (code) {
    case 0x3b:
      return { kind: 'semicolon', text: ';', word: '', start: at, end: at + 1 }
    case 0x27:
      return quotedToken(text, at, "'", 'string')
    case 0x22:
      return quotedToken(text, at, '"', 'quoted')
    case 0x60:
      return quotedToken(text, at, '`', 'quoted')
    case 0x5b: {
      const close = text.indexOf(']', at)
      const end = close < 0 ? text.length : close + 1
      return { kind: 'quoted', text: text.slice(at + 1, close < 0 ? end : close), word: '', start: at, end }
    }
  }
  const blob = blobEnd(text, at, code)
  if (blob > at) return { kind: 'other', text: text.slice(at, blob), word: '', start: at, end: blob }
  if (isNameStart(code)) {
    let end = at + 1
    while (end < text.length && isNamePart(text.charCodeAt(end))) end += 1
    const name = text.slice(at, end)
    return { kind: 'name', text: name, word: name.toUpperCase(), start: at, end }
  }
  return {
    kind: 'other',
    text: text.slice(at, otherEnd(text, at, code)),
    word: '',
    start: at,
    end: otherEnd(text, at, code),
  }
}

/** Where a blob literal ends, or `at`: its closing quote is no first half of a doubled one. */
function blobEnd(text: string, at: number, code: number): number {
  if ((code | 0x20) !== 0x78 || text[at + 1] !== "'") return at
  let end = at + 2
  while (/[0-9a-f]/i.test(text[end] ?? '')) end += 1
  return text[end] === "'" ? end + 1 : at
}

/** Numbers and variables are taken whole, so that their letters are not mistaken for words. */
function otherEnd(text: string, at: number, code: number): number {
  let end = at + 1
  const next = text.charCodeAt(end)
  if (isDigit(code) || (code === 0x2e && isDigit(next))) {
    while (end < text.length && (isNamePart(text.charCodeAt(end)) || text.charCodeAt(end) === 0x2e)) end += 1
    return end
  }
  const isVariable = code === 0x3a || code === 0x40 || code === 0x24 || code === 0x23
  if (isVariable && isNamePart(next)) {
    while (end < text.length && isNamePart(text.charCodeAt(end))) end += 1
    return end
  }
  if (code === 0x3f) while (end < text.length && isDigit(text.charCodeAt(end))) end += 1
  return end
}

function quotedToken(text: string, at: number, quote: string, kind: 'quoted' | 'string'): Token {
  let value = ''
  let from = at + 1
  for (;;) {
    const close = text.indexOf(quote, from)
    if (close < 0) return { kind, text: value + text.slice(from), word: '', start: at, end: text.length }
    value += text.slice(from, close)
    if (text[close + 1] !== quote) return { kind, text: value, word: '', start: at, end: close + 1 }
    value += quote
    from = close + 2
  }
}
