/** The types of `paddock:sql@0.1.0` for the binder (resources/wit/paddock-sql). */
import {
  bool,
  bytes,
  enumeration,
  f64,
  func,
  interfaceType,
  list,
  option,
  record,
  result,
  s32,
  s64,
  string,
  tuple,
  u32,
  variant,
} from '../../binding/types.ts'
import type { FunctionType, ValueOf, WitType } from '../../binding/types.ts'

export const valueType = variant({
  null: null,
  integer: s64,
  'big-integer': string,
  real: f64,
  text: string,
  blob: bytes,
})
export type SqlValue = ValueOf<typeof valueType>

export const bindingsType = variant({
  positional: list(valueType),
  named: list(tuple(string, valueType)),
})
export type Bindings = ValueOf<typeof bindingsType>

const statementType = record({ sql: string, params: bindingsType })
export type BatchStatement = ValueOf<typeof statementType>

const rowSetType = record({ columns: list(string), rows: list(list(valueType)) })
const routeType = enumeration('read', 'write')
export type Route = ValueOf<typeof routeType>

export const executeResultType = record({
  columns: list(string),
  rows: list(list(valueType)),
  changes: u32,
  lastInsertId: option(valueType),
  route: routeType,
})
export type ExecuteResult = ValueOf<typeof executeResultType>

const scriptResultType = record({ statements: u32, changes: u32, last: option(rowSetType) })
export type ScriptResult = ValueOf<typeof scriptResultType>

const operationType = enumeration(
  'exec',
  'execute',
  'execute-write',
  'batch',
  'begin',
  'commit',
  'rollback',
  'info',
  'key-value',
)
export type SqlOperation = ValueOf<typeof operationType>

const limitType = enumeration(
  'sql-bytes',
  'parameter-count',
  'parameter-bytes',
  'total-parameter-bytes',
  'batch-statements',
  'row-count',
  'column-count',
  'cell-bytes',
  'response-bytes',
  'key-bytes',
  'key-value-bytes',
  'listing',
)
export type LimitName = ValueOf<typeof limitType>

const bindProblemType = enumeration(
  'missing',
  'unknown-name',
  'duplicate-name',
  'too-few',
  'too-many',
  'not-a-number',
  'not-an-integer',
  'invalid-text',
)
export type BindProblem = ValueOf<typeof bindProblemType>

const ruleType = enumeration(
  'attach',
  'load-extension',
  'vacuum-into',
  'pragma',
  'virtual-table-module',
  'reserved-name',
  'function',
  'transaction-control',
)
const constraintType = enumeration(
  'unique',
  'primary-key',
  'not-null',
  'foreign-key',
  'check',
  'datatype',
  'trigger',
  'other',
)
export type ConstraintKind = ValueOf<typeof constraintType>

const engineFaultType = record({ primaryCode: s32, extendedCode: s32, message: string, statementIndex: u32 })
const transactionProblemType = enumeration('none-open', 'expired', 'rolled-back-by-engine', 'lost')

export const sqlErrorType = variant({
  'not-configured': string,
  unavailable: string,
  'not-reached': string,
  incompatible: record({
    feature: string,
    direction: enumeration('to-host', 'to-guest'),
    requiredVersion: u32,
    targetVersion: u32,
  }),
  closed: null,
  'stale-generation': record({ presented: u32, current: u32 }),
  indeterminate: operationType,
  overloaded: record({ capacity: u32, waiting: u32 }),
  busy: enumeration('locked', 'transaction-open', 'maintenance'),
  'timed-out': u32,
  'invalid-bind-parameter': record({ parameter: string, problem: bindProblemType, statementIndex: u32 }),
  'statement-count': u32,
  'limit-exceeded': record({ limit: limitType, maximum: u32, actual: u32 }),
  refused: record({ rule: ruleType, subject: string, statementIndex: u32 }),
  constraint: record({ kind: constraintType, message: string, statementIndex: u32 }),
  'quota-exceeded': record({ pageSize: u32, maximumPages: u32, usedPages: u32 }),
  transaction: transactionProblemType,
  'execution-failed': engineFaultType,
  corrupt: engineFaultType,
})
export type SqlError = ValueOf<typeof sqlErrorType>

/** `result<T, sql-error>`. */
function orSqlError<T extends WitType<unknown>>(ok: T) {
  return result(ok, sqlErrorType)
}
const done = result(null, sqlErrorType)

export const limitsType = record({
  sqlBytes: u32,
  parameterCount: u32,
  parameterBytes: u32,
  totalParameterBytes: u32,
  batchStatements: u32,
  rowCount: u32,
  columnCount: u32,
  cellBytes: u32,
  responseBytes: u32,
  statementTimeoutMs: u32,
  transactionTimeoutMs: u32,
})

const databaseInfoType = record({
  engineVersion: string,
  protocolVersion: u32,
  schemaVersion: u32,
  pageSize: u32,
  usedPages: u32,
  maximumPages: u32,
  limits: limitsType,
})
export type DatabaseInfo = ValueOf<typeof databaseInfoType>

const transactionModeType = enumeration('deferred', 'immediate')
export type TransactionMode = ValueOf<typeof transactionModeType>

export const databaseInterface = interfaceType('paddock:sql/database@0.1.0', {
  exec: func([string], orSqlError(scriptResultType)),
  execute: func([string, bindingsType], orSqlError(executeResultType)),
  executeWrite: func([string, bindingsType], orSqlError(executeResultType)),
  batch: func([list(statementType)], orSqlError(list(executeResultType))),
  begin: func([transactionModeType], done),
  commit: func([], done),
  rollback: func([], done),
  inTransaction: func([], bool),
  info: func([], orSqlError(databaseInfoType)),
})

export const keyValueInterface = interfaceType('paddock:sql/key-value@0.1.0', {
  get: func([string], orSqlError(option(bytes))),
  set: func([string, bytes], done),
  delete: func([string], orSqlError(bool)),
  keys: func([string, option(string), u32], orSqlError(list(string))),
})

export const loggingInterface = interfaceType('paddock:sql/logging@0.1.0', {
  log: func([enumeration('trace', 'debug', 'info', 'warn', 'error'), string, list(tuple(string, string))]),
})

export const clockInterface = interfaceType('paddock:sql/clock@0.1.0', {
  nowMs: func([], f64),
  monotonicMs: func([], f64),
})

export const entropyInterface = interfaceType('paddock:sql/entropy@0.1.0', { bytes: func([u32], bytes) })

const startInfoType = record({
  namespace: string,
  actorId: string,
  key: list(string),
  generation: u32,
  cause: enumeration('created', 'woken', 'restarted', 'upgraded'),
  input: option(bytes),
  settings: list(tuple(string, string)),
})

const userErrorType = record({ code: string, message: string, metadata: option(string) })

export const actorErrorType = variant({
  'method-not-found': string,
  'invalid-payload': string,
  user: userErrorType,
  internal: string,
})
export type ActorError = ValueOf<typeof actorErrorType>

/** Exports of the world `actor`, by the names the component gives them. */
export const actorExports = {
  'paddock:sql/lifecycle@0.1.0#migrations': func([], list(string)),
  'paddock:sql/lifecycle@0.1.0#on-start': func([startInfoType], result(null, actorErrorType)),
  'paddock:sql/lifecycle@0.1.0#on-request': func([string, bytes], result(bytes, actorErrorType)),
  'paddock:sql/lifecycle@0.1.0#on-sleep': func([], result(null, actorErrorType)),
  'paddock:sql/lifecycle@0.1.0#on-stop': func(
    [enumeration('destroyed', 'host-shutdown', 'failed', 'upgraded')],
    result(null, actorErrorType),
  ),
} as const satisfies Record<string, FunctionType>
