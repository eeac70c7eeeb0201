import { isKeyLike } from '../shared/url-redaction.ts'

const hidden = '…'
/** Below this a secret could be any word. */
const shortestSecret = 6

/**
 * Hides whatever of an address `redactUrl` does not show in texts of others, such as a node's error message that
 * repeats how it was asked. Secrets below `shortest` characters are hidden only where they stand as user-info.
 * Never throws.
 */
export function urlScrubber(address: string, shortest = shortestSecret): (text: string) => string {
  const secrets = secretsOf(address, shortest)
  if (secrets.length === 0) return (text) => text
  return (text) => secrets.reduce((rest, secret) => rest.split(secret).join(hidden), text)
}

/** The longest first, so that none is hidden only in part. */
function secretsOf(address: string, shortest: number): string[] {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    return []
  }
  const { username, password, search, hash, pathname, searchParams } = url
  const userInfo = username === '' && password === '' ? [] : [`${username}:${password}`]
  const single = [
    username,
    password,
    ...searchParams.values(),
    ...search.slice(1).split('&'),
    ...hash.slice(1).split('&'),
    ...pathname.split('/').filter(isKeyLike),
  ]
  const secrets = [...single, ...userInfo.map((text) => decoded(text)), ...userInfo, ...userInfo.map(basic)]
  const forms = secrets.flatMap((secret) => [secret, decoded(secret), decoded(secret.replaceAll('+', ' '))])
  const known = forms.filter((secret) => secret.length >= shortest)
  const short = userInfo.map((text) => `${text}@`)
  return [...new Set([...known, ...short])].sort((a, b) => b.length - a.length)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** As it stands in an Authorization header. */
function basic(userInfo: string): string {
  return Buffer.from(decoded(userInfo)).toString('base64').replace(/=+$/, '')
}
