/**
 * Ends of a flow that are no component but a part of the engine, written as the `component` of a node: `topic:NAME`
 * (source or sink), `blocks:CHAIN` and `logs:CHAIN` (sources), `store:NAME` (sink).
 */
import type { StageRole } from '../../../shared/contracts/flow.ts'

export type HostEnd =
  /** Source: each message of the topic is an element. Sink: each element is published. */
  | { readonly kind: 'topic'; readonly topic: string }
  /** Each new block is an element of JSON. */
  | { readonly kind: 'blocks'; readonly chainId: string }
  /** Each log that matches is an element of JSON; the node's `config` says which. */
  | { readonly kind: 'logs'; readonly chainId: string; readonly filter: LogFilter }
  /** Each element is an entry, written in order. */
  | { readonly kind: 'store'; readonly name: string }

/** No addresses: of all. A topic that is null matches any. */
export interface LogFilter {
  readonly addresses: readonly string[]
  readonly topics: readonly (readonly string[] | null)[]
}

/** What is wrong with the text of a host end or with its config. */
interface HostEndFault {
  readonly key: 'component' | 'config'
  readonly expected: string
}

const kinds = ['topic', 'blocks', 'logs', 'store'] as const
const maxChainId = 2n ** 64n - 1n
const maxFilterValues = 1_000

/** Whether the `component` of a node names an end in the engine. */
export function isHostEnd(text: string): boolean {
  return kinds.some((kind) => text.startsWith(`${kind}:`))
}

/** Reads `kind:rest` with the node's config. */
export function parseHostEnd(text: string, config: string): HostEnd | HostEndFault {
  const colon = text.indexOf(':')
  const rest = text.slice(colon + 1)
  const end = parseEnd(text.slice(0, colon), rest, config)
  if ('kind' in end && end.kind !== 'logs' && config !== '')
    return { key: 'config', expected: 'left out: only logs are configured' }
  return end
}

function parseEnd(kind: string, rest: string, config: string): HostEnd | HostEndFault {
  switch (kind) {
    case 'topic': {
      const topic = topicOf(rest)
      return topic === null
        ? {
            key: 'component',
            expected: '"topic:" with a name, or with /application/version/name/encoding of at most 256 bytes',
          }
        : { kind, topic }
    }
    case 'blocks':
      return isChainId(rest)
        ? { kind, chainId: rest }
        : { key: 'component', expected: '"blocks:" and the number of a chain' }
    case 'logs': {
      if (!isChainId(rest)) return { key: 'component', expected: '"logs:" and the number of a chain' }
      const filter = parseFilter(config)
      return 'key' in filter ? filter : { kind, chainId: rest, filter }
    }
    default:
      return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(rest)
        ? { kind: 'store', name: rest }
        : { key: 'component', expected: '"store:" and a name of letters, digits, ".", "_" and "-"' }
  }
}

/** A content topic as messages have it; a plain name is short for `/paddock/1/NAME/raw`. */
function topicOf(text: string): string | null {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return `/paddock/1/${text}/raw`
  return /^(?:\/[^/\s]+){4}$/.test(text) && new TextEncoder().encode(text).byteLength <= 256 ? text : null
}

function isChainId(text: string): boolean {
  return /^(?:0|[1-9]\d{0,19})$/.test(text) && BigInt(text) <= maxChainId
}

/** `{"addresses": ["0x…"], "topics": ["0x…", null, ["0x…", "0x…"]]}`; an empty config asks for all logs. */
function parseFilter(config: string): LogFilter | HostEndFault {
  if (config.trim() === '') return { addresses: [], topics: [] }
  const fault: HostEndFault = {
    key: 'config',
    expected: 'JSON such as {"addresses": ["0x…"], "topics": ["0x…", null]}, at most four topics',
  }
  let value: unknown
  try {
    value = JSON.parse(config)
  } catch {
    return fault
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault
  if (Object.keys(value).some((key) => key !== 'addresses' && key !== 'topics')) return fault
  const { addresses = [], topics = [] } = value as { addresses?: unknown; topics?: unknown }
  if (!isListOf(addresses, 40) || !Array.isArray(topics) || topics.length > 4) return fault
  const read: (readonly string[] | null)[] = []
  for (const topic of topics as unknown[]) {
    if (topic === null) read.push(null)
    else if (typeof topic === 'string' && isListOf([topic], 64)) read.push([topic.toLowerCase()])
    else if (isListOf(topic, 64) && topic.length > 0) read.push(topic.map((each) => each.toLowerCase()))
    else return fault
  }
  return { addresses: addresses.map((address) => address.toLowerCase()), topics: read }
}

function isListOf(value: unknown, digits: number): value is string[] {
  const form = new RegExp(`^0x[0-9a-fA-F]{${digits}}$`)
  return (
    Array.isArray(value) &&
    value.length <= maxFilterValues &&
    value.every((item) => typeof item === 'string' && form.test(item))
  )
}

/** The roles an end can have in a flow. */
export function rolesOfEnd(end: HostEnd): readonly StageRole[] {
  if (end.kind === 'topic') return ['source', 'sink']
  return end.kind === 'store' ? ['sink'] : ['source']
}

/** As the console names it: `topic orders`, `blocks of chain 1`. */
export function describeEnd(end: HostEnd): string {
  switch (end.kind) {
    case 'topic':
      return `topic ${/^\/paddock\/1\/([^/]+)\/raw$/.exec(end.topic)?.[1] ?? end.topic}`
    case 'blocks':
    case 'logs':
      return `${end.kind} of chain ${end.chainId}`
    case 'store':
      return `store ${end.name}`
  }
}

/** The ends that take from this chain, as `describeEnd` names them. */
export function chainEndsOf(chainId: string): readonly string[] {
  return [
    describeEnd({ kind: 'blocks', chainId }),
    describeEnd({ kind: 'logs', chainId, filter: { addresses: [], topics: [] } }),
  ]
}
