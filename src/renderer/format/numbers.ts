/** A narrow no-break space: between groups of three, and between a figure and its unit. */
export const narrowSpace = '\u202f'
/** A blank between two expressions in markup, where the compiler drops a plain one at the edge of a block. */
export const blank = ' '
/** What stands where there is no value; differs from 0. */
export const noValue = '–'

/** A figure and its unit, apart, so that the unit can be set fainter. */
export interface Measure {
  readonly value: string
  readonly unit: string
}

/** All digits of a whole number, in groups of three. */
export function groupDigits(value: number): string {
  if (!Number.isFinite(value)) return noValue
  const digits = Math.abs(Math.trunc(value)).toString()
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, narrowSpace)
  return value < 0 ? `−${grouped}` : grouped
}

/** At most three significant digits: one decimal under 100, none above. */
function short(value: number): string {
  if (value === 0) return '0'
  // 99.95 would round up to "100.0".
  return Math.abs(value) < 99.95 ? value.toFixed(1) : groupDigits(Math.round(value))
}

function scaled(value: number, base: number, units: readonly string[]): Measure {
  let amount = value
  let index = 0
  while (Math.abs(amount) >= base && index < units.length - 1) {
    amount /= base
    index += 1
  }
  const unit = units[index] ?? ''
  return { value: index === 0 ? groupDigits(Math.round(amount)) : short(amount), unit }
}

/** A size in bytes as B, KiB, MiB, GiB or TiB. */
export function bytes(value: number): Measure {
  return scaled(value, 1_024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])
}

/** Fuel, in units, as k, M, G or T. */
export function fuel(value: number): Measure {
  return scaled(value, 1_000, ['', 'k', 'M', 'G', 'T'])
}

/** A duration in milliseconds as µs, ms, s or min; for latencies, where three digits tell enough. */
export function duration(valueMs: number): Measure {
  if (valueMs === 0) return { value: '0', unit: 'ms' }
  if (valueMs < 0.1) return { value: String(Math.max(1, Math.round(valueMs * 1_000))), unit: 'µs' }
  if (valueMs < 999.5) return { value: short(valueMs), unit: 'ms' }
  const seconds = valueMs / 1_000
  if (seconds < 9.995) return { value: seconds.toFixed(2), unit: 's' }
  if (seconds < 120) return { value: short(seconds), unit: 's' }
  return { value: short(seconds / 60), unit: 'min' }
}

/** A rate a second. */
export function rate(value: number): Measure {
  return { value: value > 0 && value < 0.05 ? `<${narrowSpace}0.1` : short(value), unit: '/s' }
}

/** A share of 1 as a percentage without decimals; anything between 0 and 1 % reads "< 1". */
export function percent(share: number): Measure {
  if (!Number.isFinite(share)) return { value: noValue, unit: '' }
  if (share > 0 && share < 0.01) return { value: `<${narrowSpace}1`, unit: '%' }
  return { value: groupDigits(Math.floor(share * 100)), unit: '%' }
}

/** A measure as plain text, for sentences, labels and tooltips; "64.0" is "64" where no column aligns it. */
export function measureText(measure: Measure): string {
  const value = measure.value.replace(/\.0+$/, '')
  return measure.unit === '' ? value : `${value}${narrowSpace}${measure.unit}`
}

/** "1 module", "2 modules"; the plural is the singular with an s unless given. */
export function count(value: number, singular: string, plural = `${singular}s`): string {
  return `${groupDigits(value)} ${value === 1 ? singular : plural}`
}
