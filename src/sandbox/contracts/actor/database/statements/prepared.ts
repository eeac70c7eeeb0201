/** Prepared statements: each text is cut, judged and prepared once (spec actors-sql 4.2, 8). */
import { splitStatements, type Statement } from '../../../../../shared/sql/statements.ts'
import { traitsOf, type StatementTraits } from '../../../../../shared/sql/statement-policy.ts'
import type { Route } from '../../interfaces.ts'
import type { Connection, PreparedStatement } from '../connection.ts'
import { answersAtMostOneRow } from './single-row.ts'
import { insertTarget } from './insert-target.ts'
import type { NativeValue, ParameterLayout } from './parameters.ts'

/** How a statement inserts, as far as its row id is to be told. */
export type Inserts = 'no' | 'row-id' | 'upsert'

export interface Prepared {
  readonly text: string
  readonly statement: PreparedStatement
  readonly traits: StatementTraits
  readonly route: Route
  readonly returnsRows: boolean
  /** It writes and answers rows: refusing the answer must undo it. */
  readonly needsSavepoint: boolean
  readonly inserts: Inserts
  readonly columns: readonly string[]
  /** Of the names of the columns. */
  readonly columnBytes: number
  layout: ParameterLayout | undefined
  uses: number
  /** Whether it surely answers at most one row; undefined as long as nobody asked. */
  singleRow: boolean | undefined
}

const capacity = 64
/** A text that comes back as often is worth asking the engine how it runs. */
const proveAfter = 4

export class PreparedStatements {
  private readonly connection: Connection
  private readonly cache = new Map<string, Prepared>()

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** A statement that was prepared and judged before; undefined else. */
  cached(text: string): Prepared | undefined {
    return this.cache.get(text)
  }

  /** Prepares one statement, `key` being the caller's text. Throws the addon's own errors. */
  prepare(statement: Statement, key: string = statement.text): Prepared {
    const prepared = this.compile(statement)
    if (this.cache.size >= capacity) {
      const oldest = this.cache.keys().next()
      if (oldest.done !== true) this.cache.delete(oldest.value)
    }
    // What changes the schema is not run twice as a rule, and would be prepared for a schema that is gone.
    if (!prepared.traits.changesSchema) this.cache.set(key, prepared)
    return prepared
  }

  /** After whatever may have changed the schema. */
  clear(): void {
    this.cache.clear()
  }

  private compile(statement: Statement): Prepared {
    const traits = traitsOf(statement)
    const compiled = this.connection.prepare(statement.text)
    const returnsRows = compiled.reader
    if (returnsRows) compiled.raw(true)
    const readonly = compiled.readonly
    const columns = returnsRows ? compiled.columns().map(({ name }) => name) : []
    return {
      text: statement.text,
      statement: compiled,
      traits,
      route: readonly && !traits.isPragma && !traits.isTransactionControl ? 'read' : 'write',
      returnsRows,
      needsSavepoint: returnsRows && !readonly && !traits.isPragma,
      inserts: readonly || !traits.changesRows ? 'no' : this.insertsOf(statement),
      columns,
      columnBytes: columns.reduce((sum, name) => sum + Buffer.byteLength(name, 'utf8'), 0),
      layout: undefined,
      uses: 0,
      singleRow: undefined,
    }
  }

  private insertsOf(statement: Statement): Inserts {
    const target = insertTarget(statement.tokens)
    if (target === undefined) return 'no'
    const rows = this.connection
      .prepare('SELECT "schema", wr FROM pragma_table_list WHERE lower(name) = lower(?)')
      .raw()
      .all(target.table) as [string, bigint][]
    const named =
      target.schema === undefined ? rows : rows.filter(([name]) => name === target.schema?.toLowerCase())
    const row = named.find(([name]) => name === 'temp') ?? named[0]
    // Such a table has no row ids, and the engine's counter keeps that of another insert.
    if (row?.[1] === 1n) return 'no'
    return target.isUpsert ? 'upsert' : 'row-id'
  }

  /** The parameters of a statement, asked of the engine itself: it looks each name up that it knows. */
  layoutOf(prepared: Prepared, most: number): ParameterLayout {
    prepared.layout ??= this.askLayout(prepared.text, most)
    return prepared.layout
  }

  private askLayout(text: string, most: number): ParameterLayout {
    const names: string[] = []
    const asked = new Proxy(Object.create(null) as object, {
      getOwnPropertyDescriptor(_, key) {
        names.push(String(key))
        return { value: null, configurable: true, enumerable: true, writable: true }
      },
      get: () => null,
      has: () => true,
      getPrototypeOf: () => null,
    })
    for (let anonymous = 0; anonymous <= most + 1; anonymous += 1) {
      const probe = this.connection.prepare(text)
      names.length = 0
      try {
        probe.bind(asked, new Array<null>(anonymous).fill(null))
        return { names: [...names], anonymous }
      } catch (error) {
        if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error
      }
    }
    return { names: [...names], anonymous: most + 1 }
  }

  /** Whether a statement that comes again and again surely answers at most one row, by its program. */
  isSingleRow(prepared: Prepared, values: readonly NativeValue[]): boolean {
    if (prepared.singleRow !== undefined) return prepared.singleRow
    prepared.uses += 1
    if (prepared.uses < proveAfter || prepared.route !== 'read') return false
    const program = this.connection.prepare(`EXPLAIN ${prepared.text}`).raw().all(values) as unknown[][]
    prepared.singleRow = answersAtMostOneRow(program)
    return prepared.singleRow
  }
}

/** The one statement of a text, or how many there are. */
export function onlyStatement(sql: string): Statement | number {
  const statements = splitStatements(sql)
  const [only] = statements
  return statements.length === 1 && only !== undefined ? only : statements.length
}
