/** What each source announces, one look at a time (spec nexum-host 15.1 to 15.3). */
import { decodeAbiParameters, parseAbiParameters, toEventSelector, type Hex } from 'viem'
import { namehash } from 'viem/ens'
import type { DiscoverySource } from '../../shared/domain/operator/content.ts'
import type { Operator } from '../../shared/domain/operator/operator.ts'
import { EnsReader } from './ens.ts'
import { EthReader, type EthLog, type RpcRequest } from './eth-reader.ts'

export type Announcement =
  | {
      readonly kind: 'offered'
      readonly key: string
      readonly reference: string
      readonly isAllowed: boolean
    }
  | { readonly kind: 'removed'; readonly key: string }

export interface Look {
  readonly announcements: readonly Announcement[]
  /** First block of the next look, for sources that read logs. */
  readonly nextBlock: number
}

export interface LookOptions {
  readonly request: RpcRequest
  readonly discovery: Operator['discovery']
  readonly nextBlock: number
  /** Blocks of one query. */
  readonly maxRange: number
}

const registered = toEventSelector('ModuleRegistered(string,string,address)')
const removed = toEventSelector('ModuleRemoved(string,string)')
const textChanged = toEventSelector('TextChanged(bytes32,string,string)')
const textChangedWithValue = toEventSelector('TextChanged(bytes32,string,string,string)')
/** Blocks read in one look, so that a long history does not hold up the others. */
const maxBlocksPerLook = 50_000

/** Names a source in settings, records and notices. */
export function sourceKey(source: DiscoverySource): string {
  switch (source.source) {
    case 'ens':
      return `ens ${source.chainId} ${source.name}`
    case 'registry':
      return `registry ${source.chainId} ${source.contract}`
    case 'ens-watch':
      return `ens-watch ${source.chainId} ${source.resolver} ${source.textKey}`
  }
}

/** Looks once. Rejects with the provider's error or `discovery.*`; nothing is then taken as seen. */
export async function look(source: DiscoverySource, options: LookOptions): Promise<Look> {
  switch (source.source) {
    case 'ens':
      return lookAtName(source, options)
    case 'registry':
      return lookAtRegistry(source, options)
    case 'ens-watch':
      return lookAtResolver(source, options)
  }
}

async function lookAtName(
  source: Extract<DiscoverySource, { source: 'ens' }>,
  { request, discovery, nextBlock }: LookOptions,
): Promise<Look> {
  const reader = new EthReader(source.chainId, request)
  const ens = source.registry === null ? new EnsReader(reader) : new EnsReader(reader, source.registry as Hex)
  const { reference } = await ens.record(source.name)
  if (reference === null) return { announcements: [], nextBlock }
  const isAllowed = discovery.mode === 'auto' || discovery.allowedEnsNames.includes(source.name)
  return { announcements: [{ kind: 'offered', key: sourceKey(source), reference, isAllowed }], nextBlock }
}

async function lookAtRegistry(
  source: Extract<DiscoverySource, { source: 'registry' }>,
  options: LookOptions,
): Promise<Look> {
  const { discovery } = options
  const { logs, nextBlock } = await newLogs(source, source.contract, [registered, removed], options)
  const isAllowed = discovery.mode === 'auto' || discovery.allowedRegistries.includes(source.contract)
  const announcements = logs.flatMap((log): Announcement[] => {
    const name = log.topics[1]
    if (name === undefined) return []
    // The name stands in the log as its hash, which is enough to know it again.
    const key = `${sourceKey(source)} ${name}`
    if (log.topics[0] === removed) return [{ kind: 'removed', key }]
    const reference = textOf(log.data, 0)
    return reference === null ? [] : [{ kind: 'offered', key, reference, isAllowed }]
  })
  return { announcements, nextBlock }
}

async function lookAtResolver(
  source: Extract<DiscoverySource, { source: 'ens-watch' }>,
  options: LookOptions,
): Promise<Look> {
  const { discovery, request } = options
  const topics = [textChanged, textChangedWithValue]
  const { logs, nextBlock } = await newLogs(source, source.resolver, topics, options)
  const allowed = new Set(discovery.allowedEnsNames.map((name) => namehash(name)))
  const nodes = new Set<Hex>()
  for (const log of logs) {
    const node = log.topics[1]
    if (node !== undefined && textOf(log.data, 0) === source.textKey) nodes.add(node as Hex)
  }
  const ens = new EnsReader(new EthReader(source.chainId, request))
  const announcements: Announcement[] = []
  for (const node of nodes) {
    const key = `${sourceKey(source)} ${node}`
    const reference = await ens.textAt(source.resolver as Hex, node, source.textKey)
    const isAllowed = discovery.mode === 'auto' || allowed.has(node)
    announcements.push(
      reference === '' ? { kind: 'removed', key } : { kind: 'offered', key, reference, isAllowed },
    )
  }
  return { announcements, nextBlock }
}

async function newLogs(
  { chainId, fromBlock }: { chainId: string; fromBlock: number },
  contract: string,
  topics: readonly Hex[],
  { request, nextBlock, maxRange }: LookOptions,
): Promise<{ logs: EthLog[]; nextBlock: number }> {
  const reader = new EthReader(chainId, request)
  const head = await reader.head()
  let from = Math.max(fromBlock, nextBlock)
  const last = Math.min(head, from + maxBlocksPerLook - 1)
  const logs: EthLog[] = []
  while (from <= last) {
    const to = Math.min(last, from + maxRange - 1)
    logs.push(...(await reader.logs(contract as Hex, topics, from, to)))
    from = to + 1
  }
  return { logs, nextBlock: from }
}

/** The text at a position of unindexed arguments that are all texts; null where there is none. */
function textOf(data: Hex, position: number): string | null {
  try {
    const [first] = decodeAbiParameters(parseAbiParameters('string'), data)
    return position === 0 && first.length <= 4_096 ? first : null
  } catch {
    return null
  }
}
