/** The chains of an engine.toml, keyed by id or name or as an array (spec nexum-host 5.4). */
import type { TomlTable, TomlValue } from 'smol-toml'
import { z } from 'zod'
import { chainConfigSchema, endpointUrlSchema, type ChainConfig } from '../../shared/domain/chain.ts'
import { chainIdSchema } from '../../shared/domain/primitives.ts'
import { isTable, showPath } from '../modules/manifest/document.ts'
import type { KeyPath } from '../modules/manifest/locate.ts'
import { chainSpec, endpointKeys } from './key-specs.ts'
import { checked, readTable, unknownKey, type ReadContext } from './read-table.ts'

/** Names an operator may write instead of a chain id. */
export const wellKnownChains: Readonly<Record<string, string>> = {
  mainnet: '1',
  ethereum: '1',
  optimism: '10',
  bsc: '56',
  gnosis: '100',
  polygon: '137',
  base: '8453',
  holesky: '17000',
  devnet: '31337',
  arbitrum: '42161',
  arbitrum_one: '42161',
  avalanche: '43114',
  linea: '59144',
  sepolia: '11155111',
}

const endpointTableSchema = z.strictObject({
  url: endpointUrlSchema,
  priority: z.bigint().min(-1_000_000n).max(1_000_000n).default(0n),
})

/** Throws `settings.*` naming the chain and the line. */
export function readChains(context: ReadContext, value: TomlValue | undefined): ChainConfig[] {
  if (value === undefined) return []
  const chains = Array.isArray(value)
    ? value.map((item, index) => readListed(context, item, ['chains', index]))
    : readKeyed(context, value)
  const seen = new Set<string>()
  for (const { chainId } of chains) {
    if (seen.has(chainId)) {
      throw context.document.error(['chains'], `the chain ${chainId} is given twice.`)
    }
    seen.add(chainId)
  }
  return chains
}

function readKeyed(context: ReadContext, value: TomlValue): ChainConfig[] {
  if (!isTable(value)) throw context.document.error(['chains'], 'chains must be a table.')
  return Object.entries(value).map(([key, chain]) => {
    const path = ['chains', key]
    const known = Object.hasOwn(wellKnownChains, key)
    const chainId = known ? wellKnownChains[key] : key
    if (!chainIdSchema.safeParse(chainId).success) {
      const names = Object.keys(wellKnownChains).join(', ')
      throw context.document.error(
        path,
        `${showPath(path)} is neither a decimal chain id nor one of ${names}.`,
      )
    }
    if (!isTable(chain)) throw context.document.error(path, `${showPath(path)} must be a table.`)
    if (Object.hasOwn(chain, 'chain_id') || Object.hasOwn(chain, 'endpoints')) {
      const wrong = Object.hasOwn(chain, 'chain_id') ? 'chain_id' : 'endpoints'
      throw unknownKey(context, [...path, wrong], ['rpc_url', 'fallback_urls', ...Object.keys(chainSpec)])
    }
    return readChain(context, chain, chainId ?? key, known ? key : `Chain ${key}`, path)
  })
}

function readListed(context: ReadContext, chain: TomlValue, path: KeyPath): ChainConfig {
  const { document } = context
  if (!isTable(chain)) throw document.error(path, `${showPath(path)} must be a table.`)
  const id = chain['chain_id']
  const text = typeof id === 'bigint' ? id.toString() : ''
  if (!chainIdSchema.safeParse(text).success) {
    throw document.error([...path, 'chain_id'], `${showPath(path)}.chain_id must be a whole number.`)
  }
  return readChain(context, chain, text, `Chain ${text}`, path)
}

function readChain(
  context: ReadContext,
  chain: TomlTable,
  chainId: string,
  fallbackName: string,
  path: KeyPath,
): ChainConfig {
  const policy: TomlTable = {}
  for (const [name, value] of Object.entries(chain)) {
    if ((endpointKeys as readonly string[]).includes(name)) continue
    if (!Object.hasOwn(chainSpec, name)) {
      throw unknownKey(context, [...path, name], [...endpointKeys, ...Object.keys(chainSpec)])
    }
    policy[name] = value
  }
  const read = readTable(context, policy, chainSpec, path)
  const endpoints = readEndpoints(context, chain, path).map((url) => ({ url }))
  const input = { name: fallbackName, ...read, chainId, endpoints }
  return checked(context, chainConfigSchema, input, chainSpec, path)
}

/** Addresses in the order in which they are tried. */
function readEndpoints(context: ReadContext, chain: TomlTable, path: KeyPath): string[] {
  const { document } = context
  const prioritised = readPrioritised(context, chain['endpoints'], [...path, 'endpoints'])
  const direct = [
    ...(Object.hasOwn(chain, 'rpc_url') ? [{ value: chain['rpc_url'], path: [...path, 'rpc_url'] }] : []),
    ...(Array.isArray(chain['fallback_urls'])
      ? chain['fallback_urls'].map((value, index) => ({ value, path: [...path, 'fallback_urls', index] }))
      : []),
  ]
  if (Object.hasOwn(chain, 'fallback_urls') && !Array.isArray(chain['fallback_urls'])) {
    throw document.error([...path, 'fallback_urls'], `${showPath(path)}.fallback_urls must be a list.`)
  }
  if (prioritised.length > 0 && direct.length > 0) {
    throw document.error(path, `${showPath(path)} has rpc_url and endpoints. Keep one of them.`)
  }
  if (prioritised.length > 0) return prioritised
  if (!Object.hasOwn(chain, 'rpc_url')) {
    throw document.error(path, `${showPath(path)}.rpc_url is missing.`)
  }
  return direct.map((each) => {
    const url = endpointUrlSchema.safeParse(each.value)
    if (url.success) return url.data
    throw document.error(each.path, `${showPath(each.path)}: ${url.error.issues[0]?.message ?? 'wrong'}.`)
  })
}

function readPrioritised(context: ReadContext, value: TomlValue | undefined, path: KeyPath): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw context.document.error(path, `${showPath(path)} must be tables.`)
  const endpoints = value.map((item, index) => {
    if (isTable(item)) {
      const unknown = Object.keys(item).find((name) => name !== 'url' && name !== 'priority')
      if (unknown !== undefined) throw unknownKey(context, [...path, index, unknown], ['url', 'priority'])
    }
    const spec = { url: { to: 'url' }, priority: { to: 'priority' } }
    const read = checked(context, endpointTableSchema, item, spec, [...path, index])
    return { ...read, index }
  })
  // The lowest number comes first; equal ones as they stand.
  endpoints.sort((a, b) => Number(a.priority - b.priority) || a.index - b.index)
  return endpoints.map(({ url }) => url)
}
