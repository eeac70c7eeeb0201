/** `engine.toml`, the operator's file for headless runs: its state directory and its chains (spec nexum-host 5). */
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import { chainConfigSchema, endpointUrlSchema, type ChainConfig } from '../../shared/domain/chain.ts'
import { PaddockError } from '../../shared/errors.ts'

/** Names an operator may write instead of a chain id (spec nexum-host 5.4). */
const wellKnownChains: Readonly<Record<string, string>> = {
  mainnet: '1',
  gnosis: '100',
  base: '8453',
  arbitrum: '42161',
  sepolia: '11155111',
  devnet: '31337',
}

const chainSchema = z.strictObject({
  rpc_url: endpointUrlSchema,
  fallback_urls: z.array(endpointUrlSchema).max(15).default([]),
  request_timeout_secs: z.number().int().min(1).max(600).default(30),
})

const fileSchema = z.strictObject({
  engine: z.strictObject({ state_dir: z.string().min(1).optional() }).default({}),
  chains: z.record(z.string(), chainSchema).default({}),
})

export interface EngineConfig {
  readonly stateDir: string | null
  readonly chains: readonly ChainConfig[]
}

/** Reads the text of an engine.toml. Throws `settings.invalid` naming line or key. */
export function parseEngineConfig(text: string, file: string): EngineConfig {
  const parsed = fileSchema.safeParse(parseToml(text, file))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue === undefined ? '' : issue.path.map(String).join('.')
    throw new PaddockError(
      'settings.invalid',
      `${file}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'wrong shape'}.`,
    )
  }
  const { engine, chains } = parsed.data
  return {
    stateDir: engine.state_dir ?? null,
    chains: Object.entries(chains).map(([key, chain]) => chainConfig(key, chain, file)),
  }
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    throw new PaddockError(
      'settings.invalid',
      `${file}, line ${cause.line}, column ${cause.column}: not valid TOML.`,
      { cause },
    )
  }
}

function chainConfig(key: string, chain: z.infer<typeof chainSchema>, file: string): ChainConfig {
  const known = Object.hasOwn(wellKnownChains, key)
  const parsed = chainConfigSchema.safeParse({
    chainId: known ? wellKnownChains[key] : key,
    name: known ? key : `Chain ${key}`,
    endpoints: [chain.rpc_url, ...chain.fallback_urls].map((url) => ({ url })),
    requestTimeoutMs: chain.request_timeout_secs * 1_000,
  })
  if (parsed.success) return parsed.data
  const names = Object.keys(wellKnownChains).join(', ')
  throw new PaddockError(
    'settings.invalid',
    `${file}: chains.${key} is neither a decimal chain id nor one of ${names}.`,
  )
}
