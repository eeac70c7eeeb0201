/** The grammar of cron schedules (spec nexum-host 10.5): five fields, UTC. */

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of week', min: 0, max: 7, names: weekdays },
]

/** What is wrong with a schedule, in words that follow its name, or null when it is sound. */
export function cronFault(schedule: string): string | null {
  const parts = schedule.trim().split(/[ \t]+/)
  if (schedule.length > 256 || parts.length !== fields.length) {
    return 'must have five fields: minute, hour, day of month, month, day of week'
  }
  for (const [index, field] of fields.entries()) {
    const fault = fieldFault(parts[index] ?? '', field)
    if (fault !== null) return fault
  }
  return null
}

function fieldFault(text: string, field: Field): string | null {
  for (const item of text.split(',')) {
    const [range = '', step, ...more] = item.split('/')
    if (more.length > 0) return bad(field, item, 'one step at most')
    if (step !== undefined) {
      if (!/^\d{1,3}$/.test(step) || Number(step) < 1 || Number(step) > field.max) {
        return bad(field, item, `a step from 1 to ${field.max}`)
      }
      if (range !== '*' && !range.includes('-')) return bad(field, item, 'a step after "*" or a range')
    }
    if (range === '*') continue
    const ends = range.split('-')
    if (ends.length > 2) return bad(field, item, 'a value or a range')
    const values = ends.map((end) => valueOf(end, field))
    const [from, to] = values
    if (values.includes(null) || from === undefined || from === null)
      return bad(field, item, allowedValues(field))
    if (to !== undefined && to !== null && to < from) return bad(field, item, 'a range that ascends')
  }
  return null
}

function valueOf(text: string, field: Field): number | null {
  const named = field.names.indexOf(text.toLowerCase())
  if (named !== -1) return named + field.min
  if (!/^\d{1,2}$/.test(text)) return null
  const value = Number(text)
  return value >= field.min && value <= field.max ? value : null
}

function allowedValues(field: Field): string {
  const names =
    field.names.length === 0 ? '' : ` or ${field.names[0]} to ${field.names[field.names.length - 1]}`
  return `${field.min} to ${field.max}${names}`
}

function bad(field: Field, item: string, allowed: string): string {
  return `has ${JSON.stringify(item.slice(0, 40))} as ${field.name}; allowed: ${allowed}`
}
