/** Order books of the CoW Protocol, and which addresses lie within one (spec nexum-host 8.7). */
import type { ChainId } from '../../../shared/domain/primitives.ts'

/** The protocol's own order books by chain. */
const canonicalSlugs: ReadonlyMap<ChainId, string> = new Map([
  ['1', 'mainnet'],
  ['100', 'xdai'],
  ['8453', 'base'],
  ['42161', 'arbitrum_one'],
  ['11155111', 'sepolia'],
])

/** The order book of a chain: the operator's, else the protocol's, else none. Ends in a slash. */
export function orderBookBase(chainId: ChainId, override: string | null): URL | null {
  if (override !== null) return withSlash(new URL(override))
  const slug = canonicalSlugs.get(chainId)
  return slug === undefined ? null : new URL(`https://api.cow.fi/${slug}/`)
}

/** Without it, joining would drop the last segment. */
function withSlash(url: URL): URL {
  const base = new URL(url)
  base.search = ''
  base.hash = ''
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

const hasControlOrBlank = /[\u0000-\u0020\u007f]/

/**
 * A path below the base, or null for one that leads out of it: another origin, another prefix, and every spelling of
 * these. One leading slash is dropped, a query is kept.
 */
export function resolveBelow(base: URL, path: string): URL | null {
  const relative = path.startsWith('/') ? path.slice(1) : path
  // Parsers differ in what they make of these: none is needed for a path.
  if (relative.includes('\\') || relative.startsWith('/') || hasControlOrBlank.test(path)) return null
  const end = relative.search(/[?#]/)
  const pathPart = end < 0 ? relative : relative.slice(0, end)
  if (/^[a-z][a-z0-9+.-]*:/i.test(pathPart)) return null
  if (pathPart.split('/').some((segment) => isDotDot(segment))) return null
  let url: URL
  try {
    url = new URL(relative, base)
  } catch {
    return null
  }
  url.hash = ''
  const isInside =
    url.origin === base.origin &&
    url.username === base.username &&
    url.password === base.password &&
    url.pathname.startsWith(base.pathname)
  return isInside ? url : null
}

/** Also as a server may read it that decodes, and decodes again. */
function isDotDot(segment: string): boolean {
  let text = segment
  for (let round = 0; round < 3; round += 1) {
    if (text === '..' || /(?:^|[/\\])\.\.(?:[/\\]|$)/.test(text)) return true
    const decoded = text.replaceAll(/%(2e|2f|5c|25)/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    if (decoded === text) return false
    text = decoded
  }
  return true
}
