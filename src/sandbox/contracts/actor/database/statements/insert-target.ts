/** Which table a statement inserts into. A wrong guess costs the row id in an answer, nothing else. */
import type { Token } from '../../../../../shared/sql/tokens.ts'

export interface InsertTarget {
  readonly schema: string | undefined
  readonly table: string
  /** It may update a row instead of inserting one. */
  readonly isUpsert: boolean
}

export function insertTarget(tokens: readonly Token[]): InsertTarget | undefined {
  const verb = tokens.findIndex(
    ({ word }, index) =>
      word === 'INSERT' || (word === 'REPLACE' && (index === 0 || tokens[index + 1]?.word === 'INTO')),
  )
  const into = verb < 0 ? -1 : tokens.findIndex(({ word }, index) => index > verb && word === 'INTO')
  const first = tokens[into + 1]
  if (into < 0 || first === undefined) return undefined
  const isQualified = tokens[into + 2]?.text === '.'
  const table = isQualified ? tokens[into + 3]?.text : first.text
  if (table === undefined) return undefined
  const conflict = tokens.findIndex(
    ({ word }, index) => word === 'ON' && tokens[index + 1]?.word === 'CONFLICT',
  )
  const isUpsert =
    conflict >= 0 &&
    tokens.some(
      ({ word }, index) => index > conflict && word === 'DO' && tokens[index + 1]?.word === 'UPDATE',
    )
  return { schema: isQualified ? first.text : undefined, table, isUpsert }
}
