// The interfaces of paddock:sql@0.1.0 as a TypeScript module sees them inside the sandbox.
//
// Differences from a host's view: a 64-bit integer is a number, exact up to 2^53 (a bigint ends the
// instance), an absent option is null, and an error answer of the host is thrown with the record in `payload`.

declare module 'paddock:sql/types@0.1.0' {
  export type Value =
    | { tag: 'null' }
    | { tag: 'integer'; val: number }
    /** Decimal text of a 64-bit integer outside of ±(2^53 - 1). */
    | { tag: 'big-integer'; val: string }
    | { tag: 'real'; val: number }
    | { tag: 'text'; val: string }
    | { tag: 'blob'; val: Uint8Array }

  export type Bindings =
    { tag: 'positional'; val: Value[] } | { tag: 'named'; val: [name: string, value: Value][] }

  export interface Statement {
    sql: string
    params: Bindings
  }

  export interface RowSet {
    columns: string[]
    rows: Value[][]
  }

  export interface ExecuteResult extends RowSet {
    changes: number
    lastInsertId: Value | null
    route: 'read' | 'write'
  }

  export interface ScriptResult {
    statements: number
    changes: number
    last: RowSet | null
  }

  /** What a failed call carries; `val` depends on the case. */
  export interface SqlFailure {
    tag: string
    val?: unknown
  }
}

declare module 'paddock:sql/database@0.1.0' {
  import type { Bindings, ExecuteResult, ScriptResult, Statement } from 'paddock:sql/types@0.1.0'

  export function exec(sql: string): ScriptResult
  export function execute(sql: string, params: Bindings): ExecuteResult
  export function executeWrite(sql: string, params: Bindings): ExecuteResult
  export function batch(statements: Statement[]): ExecuteResult[]
  export function begin(mode: 'deferred' | 'immediate'): void
  export function commit(): void
  export function rollback(): void
  export function inTransaction(): boolean

  export interface Limits {
    sqlBytes: number
    parameterCount: number
    parameterBytes: number
    totalParameterBytes: number
    batchStatements: number
    rowCount: number
    columnCount: number
    cellBytes: number
    responseBytes: number
    statementTimeoutMs: number
    transactionTimeoutMs: number
  }

  export interface DatabaseInfo {
    engineVersion: string
    protocolVersion: number
    schemaVersion: number
    pageSize: number
    usedPages: number
    maximumPages: number
    limits: Limits
  }

  export function info(): DatabaseInfo
}

declare module 'paddock:sql/key-value@0.1.0' {
  export function get(key: string): Uint8Array | null
  export function set(key: string, value: Uint8Array): void
  /** True when the key existed. */
  function remove(key: string): boolean
  export { remove as delete }
  /** Keys in byte order that start with `prefix` and come after `after`. */
  export function keys(prefix: string, after: string | null, limit: number): string[]
}

declare module 'paddock:sql/logging@0.1.0' {
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error'
  export function log(level: Level, message: string, fields: [name: string, value: string][]): void
}

declare module 'paddock:sql/clock@0.1.0' {
  /** Whole milliseconds since 1970. */
  export function nowMs(): number
  /** Milliseconds since an arbitrary start. */
  export function monotonicMs(): number
}

declare module 'paddock:sql/entropy@0.1.0' {
  export function bytes(length: number): Uint8Array
}

declare module 'paddock:sql/lifecycle@0.1.0' {
  export interface StartInfo {
    namespace: string
    actorId: string
    key: string[]
    generation: number
    cause: 'created' | 'woken' | 'restarted' | 'upgraded'
    /** Only with `created`. */
    input: Uint8Array | null
    settings: [name: string, value: string][]
  }

  export type StopCause = 'destroyed' | 'host-shutdown' | 'failed' | 'upgraded'

  export type ActorError =
    | { tag: 'method-not-found'; val: string }
    | { tag: 'invalid-payload'; val: string }
    | { tag: 'user'; val: { code: string; message: string; metadata: string | null } }
    | { tag: 'internal'; val: string }
}

/** Lines go to the log of the module, where the manifest declares `logging`. */
declare const console: Readonly<
  Record<'trace' | 'debug' | 'log' | 'info' | 'warn' | 'error', (...values: unknown[]) => void>
>
