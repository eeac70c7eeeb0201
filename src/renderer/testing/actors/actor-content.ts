/** What the database of an actor in memory answers. */
import type { ActorInfo } from '../../../shared/contracts/actor.ts'
import {
  keyValueTable,
  type Cell,
  type InspectAnswer,
  type TablesAnswer,
} from '../../../shared/contracts/actor-inspect.ts'
import type { ActorView } from '../../../shared/domain/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'

export type Facts = TablesAnswer['tables'][number]

interface TableDouble {
  readonly facts: Facts
  readonly rows: readonly (readonly Cell[])[]
}

export interface ActorDouble {
  view: ActorView
  tables: TableDouble[]
  entries: [key: string, value: Uint8Array][]
  recent: ActorInfo['recent']
  slow: ActorInfo['slow']
}

export function integer(value: number | string): Cell {
  return { type: 'integer', text: String(value) }
}

export function text(value: string, characters = value.length): Cell {
  return { type: 'text', text: value, characters }
}

export function contentOf(actor: ActorDouble, name: string): { columns: string[]; rows: Cell[][] } {
  if (name === keyValueTable) {
    const rows = actor.entries.map(([key, value]): Cell[] => [
      text(key),
      {
        type: 'blob',
        head: [...value].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
        bytes: value.length,
      },
    ])
    return { columns: ['key', 'value'], rows }
  }
  const table = actor.tables.find(({ facts }) => facts.name === name)
  if (table === undefined) {
    throw new PaddockError(
      'sqlite.remote_execution_failed',
      `The engine failed with code 1: no such table: ${name}.`,
    )
  }
  return {
    columns: table.facts.columns.map((column) => column.name),
    rows: table.rows.map((row) => [...row]),
  }
}

/** Whole tables only, cut by LIMIT; what may write is refused, as the engine refuses it. */
export function answerQuery(actor: ActorDouble, sql: string, maxRows: number): InspectAnswer {
  if (!/^\s*(select|explain|with|pragma)\b/i.test(sql)) {
    throw new PaddockError('sqlite.statement_refused', 'Only queries may be run here.', {
      details: { rule: 'read-only' },
      remedy: 'Use SELECT, EXPLAIN, or a pragma that reads.',
    })
  }
  const name = /\bfrom\s+"?(\w+)/i.exec(sql)?.[1] ?? ''
  const { columns, rows } = contentOf(actor, name)
  if (/^\s*explain query plan/i.test(sql)) {
    const step: Cell[] = [integer(2), integer(0), integer(0), text(`SCAN ${name}`)]
    return { columns: ['id', 'parent', 'notused', 'detail'], rows: [step], truncated: false, ms: 0.1 }
  }
  const limit = Math.min(maxRows, Number(/\blimit\s+(\d+)/i.exec(sql)?.[1] ?? rows.length))
  return {
    columns,
    rows: rows.slice(0, limit),
    truncated: rows.length > maxRows && limit >= maxRows,
    ms: 0.4,
  }
}

export function infoOf(actor: ActorDouble, quotaBytes: number): ActorInfo {
  return {
    open: true,
    inTransaction: false,
    schemaVersion: 2,
    pageSize: 4_096,
    usedPages: Math.ceil(actor.view.sizeBytes / 4_096),
    maximumPages: Math.floor(quotaBytes / 4_096),
    reads: actor.recent.filter(({ route }) => route === 'read').length,
    writes: actor.recent.filter(({ route }) => route === 'write').length,
    rowsOut: 0,
    bytesOut: 0,
    refusals: actor.recent.some(({ route }) => route === 'refused') ? { attach: 1 } : {},
    slow: actor.slow,
    recent: actor.recent,
    changeCount: 918,
    keptAside: null,
  }
}
