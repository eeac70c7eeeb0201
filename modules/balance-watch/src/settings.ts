import type { Config } from 'nexum:host/types@0.2.0'
import { hostError } from 'paddock:guest'

export interface Settings {
  /** Lower case, 0x and 40 digits. */
  addresses: string[]
  warnBelow: bigint | undefined
  warnAbove: bigint | undefined
}

// Without a [config] table the host passes the module's name alone.
const known = ['addresses', 'warn_below_wei', 'warn_above_wei']

function reject(key: string, problem: string): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- the contract's error is a plain record
  throw hostError('balance-watch', 'invalid-input', `config ${key}: ${problem}`)
}

/** An array arrives as inline TOML text, which for plain strings is also JSON. */
function parseAddresses(text: string): string[] {
  let list: unknown
  try {
    list = JSON.parse(text.replace(/,\s*\]$/, ']'))
  } catch {
    return reject('addresses', 'must be a list of addresses in double quotes')
  }
  if (!Array.isArray(list) || list.length === 0) return reject('addresses', 'must name at least one address')
  const addresses = list.map((entry: unknown) => {
    if (typeof entry === 'string' && /^0x[0-9a-fA-F]{40}$/.test(entry)) return entry.toLowerCase()
    return reject('addresses', `${JSON.stringify(entry)} is not 0x and 40 hex digits`)
  })
  return [...new Set(addresses)]
}

function parseWei(key: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  if (!/^[0-9]{1,78}$/.test(text)) return reject(key, `"${text}" is not a decimal number of wei`)
  return BigInt(text)
}

/** Reads the flattened [config]; throws the host-error invalid-input naming the key at fault. */
export function parseSettings(config: Config): Settings {
  const values = new Map(config)
  for (const key of values.keys()) {
    if (key !== 'name' && !known.includes(key)) reject(key, `is unknown; known are ${known.join(', ')}`)
  }
  const addresses = values.get('addresses')
  if (addresses === undefined) return reject('addresses', 'is missing')
  const warnBelow = parseWei('warn_below_wei', values.get('warn_below_wei'))
  const warnAbove = parseWei('warn_above_wei', values.get('warn_above_wei'))
  if (warnBelow !== undefined && warnAbove !== undefined && warnAbove < warnBelow) {
    reject('warn_above_wei', 'is smaller than warn_below_wei')
  }
  return { addresses: parseAddresses(addresses), warnBelow, warnAbove }
}
