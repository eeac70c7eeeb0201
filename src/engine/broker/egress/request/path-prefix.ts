/** Paths below a prefix, on segments, however they are encoded (spec tools 2). */

/** A path that needs more rounds of decoding is below no prefix. */
const maxRounds = 3

/**
 * Whether the path is below the prefix both as the URL parser leaves it and decoded until stable: an encoded separator
 * inside an id is legal, leaving the prefix with one is not. `path` is the `pathname` of a URL.
 */
export function isBelow(path: string, prefix: string): boolean {
  const decoded = decodedUntilStable(path)
  const decodedPrefix = decodedUntilStable(prefix)
  if (decoded === null || decodedPrefix === null) return false
  return startsWithSegments(path, normalised(prefix)) && startsWithSegments(decoded, decodedPrefix)
}

function startsWithSegments(path: string, prefix: string): boolean {
  if (path === prefix || prefix === '/') return true
  return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}

/** As the URL parser writes it, so that both sides are spelled alike. */
function normalised(prefix: string): string {
  const url = new URL('http://host')
  url.pathname = prefix
  return url.pathname
}

/** One character for each byte; dot segments resolved. Null when it is not stable after three rounds. */
function decodedUntilStable(path: string): string | null {
  let text = Buffer.from(path, 'utf8').toString('latin1')
  for (let round = 0; round < maxRounds; round++) {
    const next = decodedOnce(text)
    if (next === text) return withoutDots(text)
    text = next
  }
  return decodedOnce(text) === text ? withoutDots(text) : null
}

function decodedOnce(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/**
 * As the most careless server would: a backslash is a slash, several slashes are one (`/v1/%2f../x` is `/x` then), what
 * follows a semicolon is no part of a segment (`..;` is `..`), and a zero byte ends the path. Null for the last.
 */
function withoutDots(path: string): string | null {
  if (path.includes('\0')) return null
  const kept: string[] = []
  const segments = path.replaceAll('\\', '/').split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    const [name = ''] = segment.split(';', 1)
    if (name === '..') popSegment(kept)
    if (name !== '..' && name !== '.') kept.push(segment)
    else if (isLast) kept.push('')
  }
  return `/${kept.join('/')}`
}

function popSegment(kept: string[]): void {
  while (kept.at(-1) === '') kept.pop()
  kept.pop()
}
