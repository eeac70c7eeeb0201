/** The part of a long list that is on screen, for a table whose rows all have one height. */
export interface RowWindow {
  readonly start: number
  readonly end: number
  /** Heights, in pixels, of the empty space that stands for the rows before and after. */
  readonly before: number
  readonly after: number
}

/** Lists up to this long are rendered whole. */
export const wholeUpTo = 100
const overscan = 10

export function windowRows(view: {
  readonly count: number
  readonly rowHeight: number
  readonly scrollTop: number
  readonly height: number
}): RowWindow {
  const { count, rowHeight } = view
  if (count <= wholeUpTo || rowHeight <= 0) return { start: 0, end: count, before: 0, after: 0 }
  const first = Math.floor(view.scrollTop / rowHeight) - overscan
  const start = Math.min(Math.max(0, first), Math.max(0, count - 1))
  const end = Math.min(count, start + Math.ceil(view.height / rowHeight) + 2 * overscan)
  return { start, end, before: start * rowHeight, after: (count - end) * rowHeight }
}
