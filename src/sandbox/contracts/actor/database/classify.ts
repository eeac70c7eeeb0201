/** What the engine's errors mean, by numeric code only (spec actors-sql 6.2): no program reads a message. */
import type { ConstraintKind, SqlError } from '../interfaces.ts'

/** Primary result codes of SQLite, by the name the addon gives. */
const primaryCodes: Readonly<Record<string, number>> = {
  ERROR: 1,
  INTERNAL: 2,
  PERM: 3,
  ABORT: 4,
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  INTERRUPT: 9,
  IOERR: 10,
  CORRUPT: 11,
  NOTFOUND: 12,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  EMPTY: 16,
  SCHEMA: 17,
  TOOBIG: 18,
  CONSTRAINT: 19,
  MISMATCH: 20,
  MISUSE: 21,
  NOLFS: 22,
  AUTH: 23,
  FORMAT: 24,
  RANGE: 25,
  NOTADB: 26,
  NOTICE: 27,
  WARNING: 28,
}

/** Second parts of extended codes that mean something to programs here. */
const constraintKinds: Readonly<Record<string, readonly [number: number, kind: ConstraintKind]>> = {
  CHECK: [1, 'check'],
  COMMITHOOK: [2, 'other'],
  FOREIGNKEY: [3, 'foreign-key'],
  FUNCTION: [4, 'other'],
  NOTNULL: [5, 'not-null'],
  PRIMARYKEY: [6, 'primary-key'],
  TRIGGER: [7, 'trigger'],
  UNIQUE: [8, 'unique'],
  VTAB: [9, 'other'],
  ROWID: [10, 'primary-key'],
  PINNED: [11, 'other'],
  DATATYPE: [12, 'datatype'],
}

export const codeFull = 13
const codeBusy = 5
const codeLocked = 6
const codeCorrupt = 11
const codeConstraint = 19
const codeNotADatabase = 26

export interface EngineCode {
  readonly primary: number
  readonly extended: number
  readonly constraint: ConstraintKind
}

/** The codes of an error of the engine; undefined for errors of the addon itself, which have none. */
export function engineCode(thrown: unknown): EngineCode | undefined {
  const name: unknown =
    typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  if (typeof name !== 'string') return undefined
  const unknown = /^UNKNOWN_SQLITE_ERROR_(\d+)$/.exec(name)
  if (unknown !== null) {
    const extended = Number(unknown[1])
    return { primary: extended & 0xff, extended, constraint: 'other' }
  }
  const [prefix, group, detail] = name.split('_')
  const primary = primaryCodes[group ?? '']
  if (prefix !== 'SQLITE' || primary === undefined) return undefined
  const known = primary === codeConstraint ? constraintKinds[detail ?? ''] : undefined
  return {
    primary,
    extended: known === undefined ? primary : primary | (known[0] << 8),
    constraint: known?.[1] ?? 'other',
  }
}

export interface QuotaFacts {
  readonly pageSize: number
  readonly maximumPages: number
  readonly usedPages: number
}

/** The failure a step, prepare or open ended with. Errors without a code are no engine's: undefined. */
export function engineFault(
  thrown: unknown,
  statementIndex: number,
  quota: () => QuotaFacts,
): SqlError | undefined {
  const code = engineCode(thrown)
  if (code === undefined) return undefined
  const message = thrown instanceof Error ? thrown.message.slice(0, 1_000) : ''
  switch (code.primary) {
    case codeConstraint:
      return { tag: 'constraint', val: { kind: code.constraint, message, statementIndex } }
    case codeFull:
      return { tag: 'quota-exceeded', val: quota() }
    case codeBusy:
    case codeLocked:
      return { tag: 'busy', val: 'locked' }
    case codeCorrupt:
    case codeNotADatabase:
      return {
        tag: 'corrupt',
        val: { primaryCode: code.primary, extendedCode: code.extended, message, statementIndex },
      }
    default:
      return {
        tag: 'execution-failed',
        val: { primaryCode: code.primary, extendedCode: code.extended, message, statementIndex },
      }
  }
}
