/** Colours for an SQL text: strings, comments and keywords. Only for the eye; the engine has its own grammar. */
export type TokenKind = 'n' | 's' | 'c' | ''

export interface Token {
  readonly kind: TokenKind
  readonly text: string
}

const keywords = new Set(
  (
    'select from where group by having order limit offset as on join left inner outer cross natural union all except ' +
    'intersect with recursive distinct case when then else end and or not in is null like glob between exists collate ' +
    'asc desc explain query plan pragma values using over partition cast filter window rows range'
  ).split(' '),
)

const pattern =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|[A-Za-z_]\w*|\s+|[^]/g

export function sqlTokens(sql: string): Token[] {
  const tokens: Token[] = []
  for (const [text] of sql.matchAll(pattern)) {
    const kind: TokenKind =
      text.startsWith('--') || text.startsWith('/*')
        ? 'c'
        : text.startsWith("'")
          ? 's'
          : keywords.has(text.toLowerCase())
            ? 'n'
            : ''
    const last = tokens[tokens.length - 1]
    if (last?.kind === kind) tokens[tokens.length - 1] = { kind, text: last.text + text }
    else tokens.push({ kind, text })
  }
  return tokens
}
