import type { Cell } from '../../../shared/contracts/actor-inspect.ts'

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A value in CSV: blobs in hexadecimal, NULL as nothing. */
function field(cell: Cell): string {
  switch (cell.type) {
    case 'null':
      return ''
    case 'integer':
      return cell.text
    case 'real':
      return String(cell.value)
    case 'text':
      return cell.text === '' ? '""' : quoted(cell.text)
    case 'blob':
      return cell.head
  }
}

/** Characters that one call may carry to the clipboard or a file. */
const mostCharacters = 400_000

export interface Csv {
  readonly text: string
  /** Rows in the text; those behind would not fit into one call. */
  readonly rows: number
}

/** Rows as CSV (RFC 4180), the names of the columns first. */
export function csvOf(columns: readonly string[], rows: readonly (readonly Cell[])[]): Csv {
  let text = `${columns.map(quoted).join(',')}\r\n`
  for (const [index, row] of rows.entries()) {
    const line = `${row.map(field).join(',')}\r\n`
    if (text.length + line.length > mostCharacters) return { text, rows: index }
    text += line
  }
  return { text, rows: rows.length }
}

/** Whether a value is longer than what is shown of it. */
export function isCut(cell: Cell): boolean {
  return (
    (cell.type === 'text' && cell.characters > cell.text.length) ||
    (cell.type === 'blob' && cell.bytes > cell.head.length / 2)
  )
}

/** What the values of a column have in common: a type, `mixed`, or nothing where all are NULL. */
export function columnType(rows: readonly (readonly Cell[])[], index: number): string {
  let found = ''
  for (const row of rows) {
    const type = row[index]?.type ?? 'null'
    if (type === 'null' || type === found) continue
    if (found !== '') return 'mixed'
    found = type
  }
  return found
}

/** A value as text, for tooltips and widths. */
export function cellText(cell: Cell | undefined): string {
  if (cell === undefined || cell.type === 'null') return 'null'
  return cell.type === 'blob' ? `${cell.bytes} B ${cell.head.slice(0, 24)}` : field(cell)
}
