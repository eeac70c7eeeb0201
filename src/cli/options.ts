import { chainConfigSchema, endpointUrlSchema, type ChainConfig } from '../shared/domain/chain.ts'
import { chainIdSchema } from '../shared/domain/primitives.ts'
import { PaddockError } from '../shared/errors.ts'

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value]
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Reads `10s`, `500ms`, `2m`, `1h`. Answers milliseconds. Throws `usage.invalid`. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text)
  const unit = unitMs[match?.[2] ?? '']
  if (match === null || unit === undefined) {
    throw new PaddockError('usage.invalid', `"${text}" is not a time such as 10s, 500ms, 2m or 1h.`)
  }
  return Number(match[1]) * unit
}

/** Reads a whole number of at least 0. Throws `usage.invalid`. */
export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new PaddockError('usage.invalid', `"${text}" is not a whole number.`)
}

/** Reads `31337=ws://127.0.0.1:8545`. Throws `usage.invalid`. */
export function parseRpcOption(text: string): ChainConfig {
  const separator = text.indexOf('=')
  const chainId = chainIdSchema.safeParse(text.slice(0, Math.max(separator, 0)))
  const url = endpointUrlSchema.safeParse(text.slice(separator + 1))
  if (separator < 0 || !chainId.success || !url.success) {
    const problem = url.success
      ? 'The chain id is not a number.'
      : (url.error.issues[0]?.message ?? 'The address is bad.')
    throw new PaddockError(
      'usage.invalid',
      // The address itself is not repeated: it may hold a key (spec nexum-host 5.5).
      `--rpc takes CHAIN=URL, for instance 1=wss://node.example. ${problem}`,
    )
  }
  return chainConfigSchema.parse({
    chainId: chainId.data,
    name: `Chain ${chainId.data}`,
    endpoints: [{ url: url.data }],
  })
}

/** A port; 0 for any. Throws `usage.invalid`. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 0 && port <= 65_535) return port
  throw new PaddockError('usage.invalid', `"${text}" is no port from 0 to 65535.`)
}
