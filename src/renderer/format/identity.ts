/** A hash that loses its middle, never an end: 8 digits, an ellipsis, 6 digits. */
export function shortHash(hash: string): string {
  return hash.length <= 16 ? hash : `${hash.slice(0, 8)}…${hash.slice(-6)}`
}

/** A hash in lines of four groups of four, for reading aloud. */
export function hashLines(hash: string): string[] {
  const groups = hash.match(/.{1,4}/g) ?? []
  const lines: string[] = []
  for (let index = 0; index < groups.length; index += 4) lines.push(groups.slice(index, index + 4).join(' '))
  return lines
}

/** The last part of a path, whichever separator it uses. */
export function baseName(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '')
  return parts[parts.length - 1] ?? path
}

/** A path that loses its middle when longer than `limit` characters; its end names the file and stays. */
export function shortPath(path: string, limit = 56): string {
  if (path.length <= limit) return path
  const head = Math.floor(limit / 3)
  return `${path.slice(0, head)}…${path.slice(path.length - (limit - head - 1))}`
}
