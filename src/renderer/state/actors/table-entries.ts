import { keyValueTable } from '../../../shared/contracts/actor-inspect.ts'
import { count } from '../../format/numbers.ts'
import type { TableFacts } from './actor-focus.svelte.ts'

/** What can be browsed: a table, a view, or the entries beside them. */
export interface TableEntry {
  /** As the engine calls it. */
  readonly table: string
  readonly label: string
  readonly count: string
  /** Null for the entries beside the tables. */
  readonly facts: TableFacts | null
}

/** `keyValue` is the number of entries beside the tables, null where they cannot be counted at once. */
export function tableEntries(tables: readonly TableFacts[], keyValue: number | null): TableEntry[] {
  const listed = tables
    .filter(({ kind }) => kind !== 'shadow')
    .map((facts): TableEntry => {
      const { name, kind, rows } = facts
      const uncounted = kind === 'table' ? 'not counted' : kind
      return { table: name, label: name, count: rows === null ? uncounted : count(rows, 'row'), facts }
    })
  if (keyValue !== 0) {
    const counted = keyValue === null ? 'not counted' : count(keyValue, 'key')
    listed.push({ table: keyValueTable, label: 'key-value', count: counted, facts: null })
  }
  return listed
}

/** A query to start from; key-value entries have none. */
export function starterQuery({ table, facts }: TableEntry): string {
  if (facts === null) return ''
  const quoted = (name: string): string =>
    /^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
  const columns = facts.columns.map(({ name }) => quoted(name)).join(', ')
  const key = facts.columns.find(({ primaryKey }) => primaryKey === 1)
  const order = key === undefined ? '' : `order by ${quoted(key.name)} `
  return `select ${columns === '' ? '*' : columns}\nfrom ${quoted(table)}\n${order}limit 200`
}
