/** Everything an operator's consent covers, as texts that can be compared between versions (spec nexum-host 6.6). */
import type { CapabilityNeed } from './capability-needs.ts'
import type { ModuleManifest } from './manifest/model.ts'

/** Sorted: capabilities, and the hosts, topics, chains, methods and accounts that each of them reaches; `own` are the contract's. */
export function scopesOf(
  manifest: ModuleManifest,
  needs: readonly CapabilityNeed[],
  own: readonly string[] = [],
): string[] {
  const { httpAllow, identityMethods, messagingTopics } = manifest.capabilities
  const grantable = new Set(needs.filter((need) => need.grantable).map((need) => need.name))
  const scopes = [...own, ...[...grantable].map(capabilityScope)]
  if (grantable.has('http')) scopes.push(...httpAllow.map((host) => `host:${host.toLowerCase()}`))
  if (grantable.has('messaging')) scopes.push(...(messagingTopics ?? ['*']).map((topic) => `topic:${topic}`))
  if (grantable.has('identity'))
    scopes.push(...(identityMethods ?? ['*']).map((method) => `identity:${method}`))
  scopes.push(...manifest.extraChainMethods.map((method) => `method:${method}`))
  scopes.push(
    ...[...manifest.chains.required, ...manifest.chains.optional].map((chainId) => `chain:${chainId}`),
  )
  for (const entry of manifest.subscriptions) {
    if ('chainId' in entry) scopes.push(`chain:${entry.chainId}`)
    if (entry.kind === 'message') scopes.push(`topic:${entry.contentTopic}`)
    if (entry.kind === 'decider-events') scopes.push(`decider:${entry.module}`)
  }
  return [...new Set(scopes)].sort()
}

export function capabilityScope(capability: string): string {
  return `capability:${capability}`
}

export function isCapabilityScope(scope: string): boolean {
  return scope.startsWith('capability:')
}

/** The scopes of `asked` that nothing in `reviewed` covers; a wildcard covers what it matches. */
export function grownScopes(reviewed: readonly string[], asked: readonly string[]): string[] {
  return asked.filter((scope) => !reviewed.some((known) => covers(known, scope)))
}

function covers(known: string, scope: string): boolean {
  if (known === scope) return true
  const [kind, pattern] = split(known)
  const [otherKind, value] = split(scope)
  if (kind !== otherKind) return false
  // A trailing "*" of a topic or "all identity methods"; a host's wildcard leads and covers what lies below it.
  if (kind === 'topic' || kind === 'identity' || kind === 'visible-secret')
    return pattern.endsWith('*') && value.startsWith(pattern.slice(0, -1))
  // A folder covers what lies in it.
  if (kind === 'workspace') return pattern.endsWith('/') && value.startsWith(pattern)
  if (kind === 'request') return coversRequest(pattern, value)
  if (kind === 'host' && pattern.startsWith('*.')) return value.endsWith(pattern.slice(1))
  return false
}

function split(scope: string): [string, string] {
  const colon = scope.indexOf(':')
  return [scope.slice(0, colon), scope.slice(colon + 1)]
}

/** `GET https://*.example.com:443/v1`: the same method, scheme and port, one label for the wildcard, whole segments. */
function coversRequest(known: string, asked: string): boolean {
  const [origin, host, path] = requestParts(known)
  const [otherOrigin, otherHost, otherPath] = requestParts(asked)
  if (origin !== otherOrigin) return false
  const isHostCovered =
    host === otherHost ||
    (host.startsWith('*.') &&
      otherHost.endsWith(host.slice(1)) &&
      /^[^.*]+$/.test(otherHost.slice(0, 1 - host.length)))
  const folder = path.endsWith('/') ? path : `${path}/`
  return isHostCovered && (path === otherPath || otherPath.startsWith(folder))
}

/** Method, scheme and port; host; path. */
function requestParts(text: string): [string, string, string] {
  const [, method = '', scheme = '', host = '', port = '', path = ''] =
    /^([A-Z]+) (https?):\/\/(.+?):(\d+)(\/.*)$/.exec(text) ?? []
  return [`${method} ${scheme} ${port}`, host, path]
}
