/** Paths for sparklines, on a field of the given width and height; gaps where nothing was measured. */

export interface ChartPaths {
  readonly line: string
  readonly area: string
}

/** The value at the top of a chart: its highest value, with a little air above a flat line. */
export function topOf(values: readonly (number | null)[], atLeast = 0): number {
  let top = atLeast
  for (const value of values) if (value !== null && value > top) top = value
  return top === 0 ? 1 : top * 1.08
}

/** A line through the values and the area under it, from 0 at the bottom to `top`. */
export function chartPaths(
  values: readonly (number | null)[],
  size: { readonly width: number; readonly height: number; readonly top: number },
): ChartPaths {
  const { width, height, top } = size
  const step = values.length > 1 ? width / (values.length - 1) : width
  const runs: { x: number; y: number }[][] = []
  let run: { x: number; y: number }[] = []
  values.forEach((value, index) => {
    if (value === null) {
      if (run.length > 0) runs.push(run)
      run = []
      return
    }
    run.push({ x: index * step, y: height - (Math.min(value, top) / top) * (height - 1) - 0.5 })
  })
  if (run.length > 0) runs.push(run)
  // A lone measurement is drawn as a short dash, or it would be invisible.
  const drawn = runs.map((points) =>
    points.length === 1 && points[0] !== undefined
      ? [points[0], { x: Math.min(width, points[0].x + step), y: points[0].y }]
      : points,
  )
  const trace = (points: readonly { x: number; y: number }[]): string =>
    points.map((point) => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join('L')
  return {
    line: drawn.map((points) => `M${trace(points)}`).join(''),
    area: drawn
      .map((points) => {
        const first = points[0]
        const last = points[points.length - 1]
        return first === undefined || last === undefined
          ? ''
          : `M${first.x.toFixed(1)} ${height}L${trace(points)}L${last.x.toFixed(1)} ${height}Z`
      })
      .join(''),
  }
}

/** Whether anything was measured at all. */
export function hasValues(
  values: readonly (number | null)[] | undefined,
): values is readonly (number | null)[] {
  return values?.some((value) => value !== null) ?? false
}
