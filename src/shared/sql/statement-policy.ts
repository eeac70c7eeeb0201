/**
 * What a guest's or a stranger's SQL may not say (spec actors-sql 8): statements that leave the file, load code, touch
 * the host's own tables, or change what the host has set. Decided from tokens, since the addon has no authorizer. Pure.
 */
import { splitStatements, statementWords, type Statement } from './statements.ts'
import type { Token } from './tokens.ts'

export type PolicyRule =
  | 'attach'
  | 'load-extension'
  | 'vacuum-into'
  | 'pragma'
  | 'virtual-table-module'
  | 'reserved-name'
  | 'function'
  | 'transaction-control'

export interface PolicyRefusal {
  readonly rule: PolicyRule
  /** The offending word, at most 120 characters. */
  readonly subject: string
  readonly statementIndex: number
}

export interface PolicyOptions {
  /** Whether BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT and RELEASE are allowed. */
  readonly transactionControl: boolean
  /** Whether `user_version` may be set: only where no migrations use it. */
  readonly setUserVersion: boolean
}

/** Names of the host begin so: its tables and savepoints. */
export const reservedPrefix = '_paddock_'

const maxSubject = 120
const controlWords = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE'])
const virtualTableModules = new Set(['fts5', 'rtree', 'rtree_i32', 'geopoly'])
const forbiddenFunctions = new Map<string, PolicyRule>([
  ['load_extension', 'load-extension'],
  ['fts3_tokenizer', 'function'],
])

/** Pragmas that may be read; those marked take an argument for it. */
const readablePragmas = new Map<string, 'plain' | 'argument'>([
  ['application_id', 'plain'],
  ['cache_size', 'plain'],
  ['collation_list', 'plain'],
  ['compile_options', 'plain'],
  ['encoding', 'plain'],
  ['foreign_key_check', 'argument'],
  ['foreign_key_list', 'argument'],
  ['foreign_keys', 'plain'],
  ['freelist_count', 'plain'],
  ['function_list', 'plain'],
  ['index_info', 'argument'],
  ['index_list', 'argument'],
  ['index_xinfo', 'argument'],
  ['integrity_check', 'argument'],
  ['module_list', 'plain'],
  ['optimize', 'argument'],
  ['page_count', 'plain'],
  ['page_size', 'plain'],
  ['pragma_list', 'plain'],
  ['quick_check', 'argument'],
  ['schema_version', 'plain'],
  ['table_info', 'argument'],
  ['table_list', 'argument'],
  ['table_xinfo', 'argument'],
  ['user_version', 'plain'],
])
const settablePragmas = new Set([
  'foreign_keys',
  'defer_foreign_keys',
  'recursive_triggers',
  'application_id',
  'case_sensitive_like',
])

/** The first rule that `sql` breaks, with the statement's position; undefined for allowed text. */
export function refusalOf(sql: string, options: PolicyOptions): PolicyRefusal | undefined {
  for (const [index, statement] of splitStatements(sql).entries()) {
    const refusal = refusalOfStatement(statement, index, options)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** As `refusalOf`, for one statement that was cut already. */
export function refusalOfStatement(
  statement: Statement,
  statementIndex: number,
  options: PolicyOptions,
): PolicyRefusal | undefined {
  const { tokens } = statement
  const refuse = (rule: PolicyRule, subject: string): PolicyRefusal => ({
    rule,
    subject: subject.slice(0, maxSubject),
    statementIndex,
  })
  for (const token of tokens) {
    const broken = refusedToken(token)
    if (broken !== undefined) return refuse(broken, token.text)
  }
  const words = statementWords(tokens)
  const first = words[0] ?? ''
  if (first === 'ATTACH' || first === 'DETACH') return refuse('attach', first)
  if (first === 'VACUUM' && tokens.some((token) => token.word === 'INTO'))
    return refuse('vacuum-into', 'INTO')
  if (first === 'PRAGMA') {
    const name = refusedPragma(tokens, options)
    if (name !== undefined) return refuse('pragma', name)
  }
  if (first === 'CREATE' && words[1] === 'VIRTUAL') {
    const module = virtualModule(tokens)
    if (!virtualTableModules.has(module.toLowerCase())) return refuse('virtual-table-module', module)
  }
  if (!options.transactionControl && controlWords.has(first)) return refuse('transaction-control', first)
  return undefined
}

function refusedToken(token: Token): PolicyRule | undefined {
  if (token.kind !== 'name' && token.kind !== 'quoted' && token.kind !== 'string') return undefined
  const name = token.text.toLowerCase()
  if (name.startsWith(reservedPrefix)) return 'reserved-name'
  // A table may be named by a literal, a function may not.
  if (name.startsWith('pragma_') && !readablePragmas.has(name.slice('pragma_'.length))) return 'pragma'
  return token.kind === 'string' ? undefined : forbiddenFunctions.get(name)
}

function afterExplain(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.word !== 'EXPLAIN') return tokens
  return tokens[1]?.word === 'QUERY' && tokens[2]?.word === 'PLAN' ? tokens.slice(3) : tokens.slice(1)
}

/** The name of a pragma that may not be used so, or undefined. */
function refusedPragma(all: readonly Token[], options: PolicyOptions): string | undefined {
  const tokens = afterExplain(all)
  const qualified = tokens[2]?.text === '.' && tokens[2].kind === 'other'
  const schema = qualified ? tokens[1]?.text.toLowerCase() : undefined
  const token = tokens[qualified ? 3 : 1]
  const name = token?.text ?? ''
  if (schema !== undefined && schema !== 'main' && schema !== 'temp') return schema
  const rest = tokens.slice(qualified ? 4 : 2)
  const lower = name.toLowerCase()
  const reading = readablePragmas.get(lower)
  const isSet = rest.length > 0
  if (!isSet) return reading === undefined ? name : undefined
  if (lower === 'user_version') return options.setUserVersion ? undefined : name
  return reading === 'argument' || settablePragmas.has(lower) ? undefined : name
}

function virtualModule(tokens: readonly Token[]): string {
  const using = tokens.findIndex((token) => token.word === 'USING')
  return using < 0 ? '' : (tokens[using + 1]?.text ?? '')
}

/** What the host must know of a statement before it is prepared. */
export interface StatementTraits {
  readonly isTransactionControl: boolean
  readonly isPragma: boolean
  /** It may change what statements prepared before mean: schema, statistics, settings. */
  readonly changesSchema: boolean
  /** It may change rows. */
  readonly changesRows: boolean
  readonly control: TransactionControl | undefined
}

export type TransactionControl = 'begin' | 'commit' | 'rollback' | 'rollback-to' | 'savepoint' | 'release'

const rowWords = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'WITH'])
const plainWords = new Set([...rowWords, 'SELECT', 'VALUES', ...controlWords])

/** What kind of statement this is, by its first words. */
export function traitsOf(statement: Statement): StatementTraits {
  const words = statementWords(statement.tokens)
  const first = words[0] ?? ''
  const isExplained = statement.tokens[0]?.word === 'EXPLAIN'
  const control = isExplained ? undefined : controlOf(first, statement.tokens)
  return {
    isTransactionControl: control !== undefined,
    isPragma: first === 'PRAGMA',
    changesSchema: !isExplained && !plainWords.has(first),
    changesRows: !isExplained && rowWords.has(first),
    control,
  }
}

function controlOf(first: string, tokens: readonly Token[]): TransactionControl | undefined {
  switch (first) {
    case 'BEGIN':
      return 'begin'
    case 'COMMIT':
    case 'END':
      return 'commit'
    case 'SAVEPOINT':
      return 'savepoint'
    case 'RELEASE':
      return 'release'
    case 'ROLLBACK':
      return tokens.some((token) => token.word === 'TO') ? 'rollback-to' : 'rollback'
    default:
      return undefined
  }
}
