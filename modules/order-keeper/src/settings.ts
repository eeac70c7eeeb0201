import type { Config } from 'nexum:host/types@0.2.0'
import { hostError } from 'paddock:guest'

export interface Settings {
  sellToken: string
  buyToken: string
  /** Decimal. */
  sellAmount: string
  buyAmount: string
  /** Seconds. */
  validFor: number
}

function reject(key: string, problem: string): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- the contract's error is a plain record
  throw hostError('order-keeper', 'invalid-input', `config ${key}: ${problem}`)
}

/** Reads the flattened [config]; throws the host-error invalid-input naming the key at fault. */
export function parseSettings(config: Config): Settings {
  const values = new Map(config)
  const matching = (key: string, pattern: RegExp, what: string): string => {
    const text = values.get(key) ?? ''
    return pattern.test(text) ? text.toLowerCase() : reject(key, `must be ${what}`)
  }
  const token = (key: string): string => matching(key, /^0x[0-9a-fA-F]{40}$/, '0x and 40 hex digits')
  const amount = (key: string): string => matching(key, /^[1-9][0-9]{0,77}$/, 'a decimal number above 0')
  return {
    sellToken: token('sell_token'),
    buyToken: token('buy_token'),
    sellAmount: amount('sell_amount'),
    buyAmount: amount('buy_amount'),
    validFor: Number(matching('valid_for', /^[1-9][0-9]{0,6}$/, 'a number of seconds')),
  }
}
