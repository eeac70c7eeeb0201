const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** `2026-07-14`, UTC. */
export function utcDate(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}

/** `09:41:26`, UTC. */
export function utcSeconds(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 19)
}

/** `09:41:26.918`, UTC. */
export function utcTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 23)
}

/** `2026-07-14 09:41:26.918 UTC`: the full time, for tooltips. */
export function utcFull(timeMs: number): string {
  return `${utcDate(timeMs)} ${utcTime(timeMs)} UTC`
}

/** The time of day, led by its date once that is not today's (UTC). */
export function utcStamp(timeMs: number, nowMs: number): string {
  const date = utcDate(timeMs)
  return date === utcDate(nowMs) ? utcSeconds(timeMs) : `${date} ${utcSeconds(timeMs)}`
}

/** The largest whole unit of a span, rounded down: `6 s`, `6 min`, `3 h`, `2 d`. Negative spans read 0. */
export function age(spanMs: number): string {
  const span = Math.max(0, spanMs)
  if (span < minute) return `${Math.floor(span / second)} s`
  if (span < hour) return `${Math.floor(span / minute)} min`
  if (span < day) return `${Math.floor(span / hour)} h`
  return `${Math.floor(span / day)} d`
}

/** `6 min ago`; under a second it is `now`. */
export function ago(timeMs: number, nowMs: number): string {
  const span = nowMs - timeMs
  return span < second ? 'now' : `${age(span)} ago`
}

/** The two largest units of a span: `42 s`, `10 min 28 s`, `4 h 05 min`, `6 d 04 h`. */
export function span(spanMs: number): string {
  const rest = Math.max(0, spanMs)
  if (rest < minute) return `${Math.floor(rest / second)} s`
  if (rest < hour) return `${Math.floor(rest / minute)} min ${two(Math.floor((rest % minute) / second))} s`
  if (rest < day) return `${Math.floor(rest / hour)} h ${two(Math.floor((rest % hour) / minute))} min`
  return `${Math.floor(rest / day)} d ${two(Math.floor((rest % day) / hour))} h`
}

/** How long until a time, rounded up so that it never reads 0 before it is due: `in 4 s`. */
export function until(timeMs: number, nowMs: number): string {
  const left = timeMs - nowMs
  return left <= 0 ? 'now' : `in ${age(Math.ceil(left / second) * second)}`
}
