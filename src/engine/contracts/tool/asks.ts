/** What granting a capability to a tool means, in plain words that name every host, secret, folder and tool (spec tools 2). */
import type { HttpRule, ToolDeclaration } from '../../../shared/contracts/tool.ts'
import type { AskWords } from '../contract.ts'

const shownAtMost = 6

/** `capability` is one of `toolCapabilities`. */
export function describeToolAsk(capability: string, declaration: ToolDeclaration): AskWords {
  switch (capability) {
    case 'http':
      return httpWords(declaration)
    case 'secrets':
      return secretWords(declaration)
    case 'workspace':
      return {
        title: `Read ${listed(declaration.workspace.read)} of your workspace`,
        detail:
          'Reads text files only; secrets in them are taken out. What it reads it may send to its hosts.',
        risky: declaration.http.allow.length > 0,
      }
    case 'tool-invoke':
      return {
        title: `Call ${listed(Object.values(declaration.tools.alias))}`,
        detail: 'Other tools, with their own permissions and within this call.',
        risky: false,
      }
    default:
      return { title: `Use ${capability}`, detail: 'A capability of its contract.', risky: false }
  }
}

function httpWords({ http, operations }: ToolDeclaration): AskWords {
  const rules = [...new Set(http.allow.map(ruleText))]
  const writes = http.allow.some(({ methods }) =>
    methods.some((method) => method !== 'GET' && method !== 'HEAD'),
  )
  const isWild = http.allow.some(({ host }) => host.startsWith('*.'))
  const isPlain = http.allow.some(({ scheme }) => scheme === 'http')
  const changes = operations.some(({ effects }) => effects.includes('external_write'))
  return {
    title: `Send requests to ${listed([...new Set(http.allow.map(({ host }) => host))])}`,
    detail: [
      `Only ${listed(rules)}.`,
      ...(writes ? ['It can change things there.'] : []),
      ...(isWild ? ['Anyone who has a name below a wildcard can put a server there.'] : []),
      ...(isPlain ? ['Some of it goes unencrypted.'] : []),
    ].join(' '),
    risky: writes || isWild || isPlain || changes,
  }
}

function secretWords({ credentials, visibleSecrets }: ToolDeclaration): AskWords {
  const uses = credentials.map(({ secret, hosts }) => `${secret} to ${listed(hosts)}`)
  if (uses.length === 0) {
    return {
      title: `See whether you have ${listed(visibleSecrets)}`,
      detail: 'Whether there is a value, never the value.',
      risky: false,
    }
  }
  return {
    title: `Use your ${listed([...new Set(credentials.map(({ secret }) => secret))])}`,
    detail: `Paddock sends ${listed(uses)}; the tool never sees a value. You grant each secret and host by itself.`,
    risky: true,
  }
}

/** `GET, HEAD https://api.github.com/repos`, without the port where it is the scheme's own. */
function ruleText({ methods, scheme, host, port, pathPrefix }: HttpRule): string {
  const isUsual = port === (scheme === 'https' ? 443 : 80)
  return `${methods.join(', ')} ${scheme}://${host}${isUsual ? '' : `:${port}`}${pathPrefix}`
}

function listed(words: readonly string[]): string {
  const more = words.length - shownAtMost
  if (more > 0) return `${words.slice(0, shownAtMost).join(', ')} and ${more} more`
  const last = words.at(-1) ?? 'nothing'
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}
