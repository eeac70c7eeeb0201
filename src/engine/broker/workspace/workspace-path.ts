/** Which paths a tool may ask for at all, before any file is looked at (spec tools 3, `workspace-read`). */

const maxPathBytes = 1_024

/**
 * Whether it is a relative path of plain names: 1 to 1024 bytes, no `\`, no `..`, no control character, no drive letter,
 * no empty or `.` part. `windows` refuses colons, too: there they name streams of a file.
 */
export function isPlainPath(path: string, windows = process.platform === 'win32'): boolean {
  const bytes = Buffer.byteLength(path)
  if (bytes === 0 || bytes > maxPathBytes || /\p{Surrogate}/u.test(path)) return false
  if (path.includes('\\') || path.includes('..') || hasControl(path)) return false
  if (/^[A-Za-z]:/.test(path) || (windows && path.includes(':'))) return false
  return path.split('/').every((part) => part !== '' && part !== '.')
}

/** Whether the path is one of the files, or below one of the folders (`dir/`), that may be read. */
export function isDeclared(path: string, read: readonly string[]): boolean {
  return read.some((entry) =>
    entry.endsWith('/') ? path.startsWith(entry) && path.length > entry.length : path === entry,
  )
}

function hasControl(path: string): boolean {
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  }
  return false
}
