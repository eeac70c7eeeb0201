/** Rows on their way out: values without loss, and caps that stop a query early (spec actors-sql 5.2, 6, 7). */
import type { SqlLimits } from '../../../../../shared/contracts/actor-limits.ts'
import type { SqlValue } from '../../interfaces.ts'
import { limitFault, type NativeValue } from './parameters.ts'

const largestExact = BigInt(Number.MAX_SAFE_INTEGER)
/** What a number or NULL counts for in an answer, in bytes. */
const scalarBytes = 8

/** Counts what one call answers, over all its statements. */
export class AnswerMeter {
  bytes = 0
  private readonly limits: SqlLimits

  constructor(limits: SqlLimits) {
    this.limits = limits
  }

  /** A call begins. */
  begin(): this {
    this.bytes = 0
    return this
  }

  /** Throws `SqlFault` (limit-exceeded). */
  checkColumns(count: number, nameBytes: number): void {
    const { columnCount, responseBytes } = this.limits
    if (count > columnCount) throw limitFault('column-count', columnCount, count)
    // The names are the guest's own words; beside the values they count for nothing unless they are too many.
    if (nameBytes > responseBytes) throw limitFault('response-bytes', responseBytes, nameBytes)
  }

  /** `count` rows were read. Throws `SqlFault` (limit-exceeded). */
  checkRows(count: number): void {
    const { rowCount } = this.limits
    if (count > rowCount) throw limitFault('row-count', rowCount, count)
  }

  /** One row's values. Throws `SqlFault` (limit-exceeded). */
  row(values: readonly NativeValue[]): SqlValue[] {
    const cells = new Array<SqlValue>(values.length)
    for (let index = 0; index < values.length; index += 1) cells[index] = this.cell(values[index] ?? null)
    const { responseBytes } = this.limits
    if (this.bytes > responseBytes) throw limitFault('response-bytes', responseBytes, this.bytes)
    return cells
  }

  private cell(value: NativeValue): SqlValue {
    if (value === null) {
      this.bytes += scalarBytes
      return { tag: 'null' }
    }
    switch (typeof value) {
      case 'bigint':
        this.bytes += scalarBytes
        return integerValue(value)
      case 'number':
        this.bytes += scalarBytes
        return { tag: 'real', val: value }
      case 'string':
        this.count(Buffer.byteLength(value, 'utf8'))
        return { tag: 'text', val: value }
      default:
        this.count(value.byteLength)
        return { tag: 'blob', val: value }
    }
  }

  private count(bytes: number): void {
    const { cellBytes } = this.limits
    if (bytes > cellBytes) throw limitFault('cell-bytes', cellBytes, bytes)
    this.bytes += bytes
  }
}

/** An integer as guests get it: exact as a double, or as decimal text. */
export function integerValue(value: bigint): SqlValue {
  return value <= largestExact && value >= -largestExact
    ? { tag: 'integer', val: value }
    : { tag: 'big-integer', val: String(value) }
}
