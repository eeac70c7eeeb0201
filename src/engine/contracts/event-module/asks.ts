/** What granting a capability to an event module means, in plain words with the consequence. */
import type { AskContext, AskWords } from '../contract.ts'

/** Methods a module may call on a chain without further grant (spec nexum-host 8.6). */
const readMethods = 19

export function describeEventModuleAsk(capability: string, context: AskContext): AskWords {
  const { manifest } = context
  switch (capability) {
    case 'chain':
      return chainWords(context)
    case 'identity':
      return signingWords(context)
    case 'local-store':
      return {
        title: `Keep up to ${bytes(context.storeBytes)} on this machine`,
        detail: 'In a file of its own. Other modules cannot read it.',
        risky: false,
      }
    case 'remote-store':
      return {
        title: 'Keep data on Swarm',
        detail: 'What it uploads is public and cannot be taken back.',
        risky: false,
      }
    case 'messaging':
      return messagingWords(manifest.capabilities.messagingTopics)
    case 'http':
      return httpWords(manifest.capabilities.httpAllow)
    case 'cow-api':
      return {
        title: 'Use the CoW order book',
        detail: 'Reads orders and places orders that are signed already. Cannot sign by itself.',
        risky: false,
      }
    case 'logging':
      return { title: 'Write log lines', detail: 'Shown in the log of the module.', risky: false }
    case 'clock':
      return { title: 'Read the time', detail: 'The time of day and time elapsed.', risky: false }
    case 'random':
      return { title: 'Draw random bytes', detail: 'From the random source of this machine.', risky: false }
    default:
      return { title: `Use ${capability}`, detail: 'A capability of its contract.', risky: false }
  }
}

function chainWords(context: AskContext): AskWords {
  const { subscriptions, extraChainMethods } = context.manifest
  const names = context.chains.map((chainId) => context.chainName(chainId) ?? `chain ${chainId}`)
  const blocks = subscriptions.filter((entry) => entry.kind === 'block').length
  const filters = subscriptions.filter((entry) => entry.kind === 'log').length
  const events = [
    ...(blocks > 0 ? ['New blocks'] : []),
    ...(filters > 0 ? [`${filters} log ${filters === 1 ? 'filter' : 'filters'}`] : []),
  ].join(' and ')
  const methods = `${readMethods} read methods${extraChainMethods.length === 0 ? '' : `, and ${extraChainMethods.join(', ')}`}`
  return {
    title: names.length === 0 ? 'Read every chain you configured' : `Read ${joined(names)}`,
    detail: `${events === '' ? '' : `${events}; `}${methods}. Uses your endpoints.${
      names.length === 0 ? '' : ' It can read your other chains as well.'
    }`,
    // What goes beyond reading may send transactions.
    risky: extraChainMethods.length > 0,
  }
}

function signingWords(context: AskContext): AskWords {
  const methods = context.manifest.capabilities.identityMethods
  const signs = methods === null || methods.some((method) => method !== 'accounts')
  if (!signs) {
    return { title: 'See the addresses of your accounts', detail: 'It cannot sign with them.', risky: false }
  }
  return { title: 'Sign messages with your account', detail: 'Could move funds.', risky: true }
}

function messagingWords(topics: readonly string[] | null): AskWords {
  if (topics === null || topics.some((topic) => topic === '*')) {
    return {
      title: 'Send messages to other modules on any topic',
      detail: 'Other modules may act on what it sends.',
      risky: true,
    }
  }
  if (topics.length === 0)
    return { title: 'Exchange messages', detail: 'On no topic: it names none.', risky: false }
  return { title: 'Send messages to other modules', detail: `Only on ${joined(topics)}.`, risky: false }
}

function httpWords(hosts: readonly string[]): AskWords {
  if (hosts.length === 0)
    return { title: 'Call web servers', detail: 'None: it names no host.', risky: false }
  const wild = hosts.filter((host) => host.startsWith('*'))
  const local = hosts.filter(isPrivateHost)
  const [first] = wild
  const title =
    hosts.length === 1 && first !== undefined
      ? `Call any host under ${first}`
      : `Call ${hosts.length > 4 ? `${joined(hosts.slice(0, 3))} and ${hosts.length - 3} more` : joined(hosts)}`
  if (wild.length > 0) {
    return {
      title,
      detail: 'Anyone can put a server there. What the module knows could leave this machine.',
      risky: true,
    }
  }
  if (local.length > 0) {
    return { title, detail: 'Reaches this machine or your local network.', risky: true }
  }
  return { title, detail: 'Cannot reach your local network.', risky: false }
}

/** Names and literal addresses of this machine and of private networks. */
function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase()
  if (name.startsWith('[')) return true
  if (name === 'localhost' || /\.(?:localhost|local|internal|lan|home\.arpa)$/.test(name)) return true
  return /^(?:0|10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.[\d.]+$/.test(
    name,
  )
}

function joined(words: readonly string[]): string {
  const last = words[words.length - 1] ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

function bytes(count: number): string {
  if (count === 0) return 'nothing'
  const mebibytes = count / (1024 * 1024)
  if (mebibytes >= 1) return `${Number(mebibytes.toFixed(1))} MiB`
  return count >= 1024 ? `${Number((count / 1024).toFixed(1))} KiB` : `${count} bytes`
}
