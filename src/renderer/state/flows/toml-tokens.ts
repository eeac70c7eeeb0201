/** Colours for a flow file: comments, strings, tables and keys. Only for the eye; the engine has its own grammar. */
export type TokenKind = 'n' | 's' | 'c' | 'k' | ''

export interface Token {
  readonly kind: TokenKind
  readonly text: string
}

const pattern =
  /#[^\n]*|"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|$)|'[^'\n]*(?:'|(?=\n)|$)|^[ \t]*\[\[?[^\]\n]*\]?\]?|[A-Za-z0-9_-]+(?=[ \t]*=)|\s+|[^]/gm

export function tomlTokens(text: string): Token[] {
  const tokens: Token[] = []
  for (const [part] of text.matchAll(pattern)) {
    const kind = kindOf(part)
    const last = tokens[tokens.length - 1]
    if (last?.kind === kind) tokens[tokens.length - 1] = { kind, text: last.text + part }
    else tokens.push({ kind, text: part })
  }
  return tokens
}

function kindOf(part: string): TokenKind {
  if (part.startsWith('#')) return 'c'
  if (part.startsWith('"') || part.startsWith("'")) return 's'
  if (part.trimStart().startsWith('[') && part.trim().length > 1) return 'n'
  return /^[A-Za-z0-9_-]{2,}$/.test(part) ? 'k' : ''
}
