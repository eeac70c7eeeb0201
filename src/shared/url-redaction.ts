/** Longest path segment that is shown; longer ones without "." or ":" are taken for keys (spec nexum-host 5.5). */
const longestPlainSegment = 20

const hidden = '…'

/**
 * An endpoint's address as it may appear in logs, errors and the console: without user-info, query, fragment
 * and any path segment over 20 characters that has neither "." nor ":" (spec nexum-host 5.5).
 * What is no address is not repeated at all. Never throws.
 */
export function redactUrl(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return '(no address)'
  }
  // Other schemes keep what they like in their path, so nothing of it is shown.
  if (!/^(https?|wss?):$/.test(url.protocol)) return `${url.protocol}${hidden}`
  const path = url.pathname.split('/').map(redactSegment).join('/')
  return `${url.protocol}//${url.host}${path === '/' ? '' : path}`
}

function redactSegment(segment: string): string {
  return isKeyLike(segment) ? hidden : segment
}

/** Whether a path segment is taken for a key. */
export function isKeyLike(segment: string): boolean {
  return segment.length > longestPlainSegment && !/[.:]/.test(segment)
}
