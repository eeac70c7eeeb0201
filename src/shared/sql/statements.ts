/** Cuts a script into statements as the engine would find them, bodies of triggers included (spec actors-sql 5, 8). Pure. */
import { readableText, tokenize, type Token } from './tokens.ts'

export interface Statement {
  readonly text: string
  readonly tokens: readonly Token[]
}

/**
 * The statements of a script; empty ones are left out. A wrong cut fails safe: each part is prepared by itself, so the
 * engine refuses what is not exactly one statement.
 */
export function splitStatements(sql: string): Statement[] {
  const readable = readableText(sql)
  const statements: Statement[] = []
  let current: Token[] = []
  let isTrigger = false
  const close = (): void => {
    const first = current[0]
    const last = current.at(-1)
    if (first !== undefined && last !== undefined) {
      statements.push({ text: readable.slice(first.start, last.end), tokens: current })
    }
    current = []
    isTrigger = false
  }
  for (const token of tokenize(readable)) {
    if (token.kind === 'semicolon' && !(isTrigger && !endsTrigger(current))) {
      close()
      continue
    }
    current.push(token)
    if (!isTrigger && current.length <= 6 && token.word === 'TRIGGER') isTrigger = startsTrigger(current)
  }
  close()
  return statements
}

function startsTrigger(tokens: readonly Token[]): boolean {
  const words = statementWords(tokens)
  return (
    words[0] === 'CREATE' &&
    (words[1] === 'TRIGGER' || (/^TEMP(ORARY)?$/.test(words[1] ?? '') && words[2] === 'TRIGGER'))
  )
}

/** As the engine's own completeness check: the END of a body follows a semicolon. */
function endsTrigger(tokens: readonly Token[]): boolean {
  return tokens.at(-1)?.word === 'END' && tokens.at(-2)?.kind === 'semicolon'
}

/** The bare words at the start of a statement, EXPLAIN left out. Words that are quoted are no keywords: '' stands for them. */
export function statementWords(tokens: readonly Token[]): string[] {
  const words = tokens.slice(0, 12).map((token) => token.word)
  if (words[0] !== 'EXPLAIN') return words
  return words[1] === 'QUERY' && words[2] === 'PLAN' ? words.slice(3) : words.slice(1)
}
