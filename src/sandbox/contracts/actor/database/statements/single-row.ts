/** Tells from the engine's own program (EXPLAIN) that a query answers at most one row: then it need not be stepped. */

/** Operations that neither loop nor call others; with forward jumps only, each runs at most once. */
const straight = new Set([
  'Init',
  'Explain',
  'OpenRead',
  'Variable',
  'NotExists',
  'SeekRowid',
  'NotFound',
  'Rowid',
  'Column',
  'ResultRow',
  'Halt',
  'Transaction',
  'Goto',
  'Integer',
  'Int64',
  'Real',
  'String8',
  'Blob',
  'Null',
  'MustBeInt',
  'IsNull',
  'Noop',
  'Affinity',
  'RealAffinity',
  'Copy',
  'SCopy',
  'Close',
])
/** Their second operand is where they jump to. */
const jumps = new Set(['NotExists', 'SeekRowid', 'NotFound', 'MustBeInt', 'IsNull', 'Goto'])

/** `program` as EXPLAIN answers it: address, operation, first and second operand, … */
export function answersAtMostOneRow(program: readonly (readonly unknown[])[]): boolean {
  let rows = 0
  for (const [address, operation, , target] of program) {
    if (typeof operation !== 'string' || !straight.has(operation)) return false
    if (operation === 'ResultRow') rows += 1
    if (!jumps.has(operation)) continue
    // The program begins at its end and goes on at 1, once.
    const entersBody = operation === 'Goto' && target === 1n
    if (
      !entersBody &&
      !(typeof target === 'bigint' && typeof address === 'bigint' && (target > address || target === 0n))
    ) {
      return false
    }
  }
  return rows === 1
}
