import { get, set } from 'nexum:host/local-store@0.2.0'
import { decodeText, encodeText } from 'paddock:guest'

/** A balance as kept in the store under `balance/<address>`. */
export interface Balance {
  wei: bigint
  block: number
}

function key(address: string): string {
  return `balance/${address}`
}

export function readBalance(address: string): Balance | undefined {
  const stored = get(key(address))
  if (stored === null) return undefined
  const { wei, block } = JSON.parse(decodeText(stored)) as { wei: string; block: number }
  return { wei: BigInt(wei), block }
}

export function writeBalance(address: string, { wei, block }: Balance): void {
  set(key(address), encodeText(JSON.stringify({ wei: String(wei), block })))
}

/** Wei as ether text without trailing zeros, e.g. `-0.5 ETH`. */
export function formatEther(wei: bigint): string {
  const sign = wei < 0n ? '-' : ''
  const digits = String(wei < 0n ? -wei : wei).padStart(19, '0')
  const fraction = digits.slice(-18).replace(/0+$/, '')
  return `${sign}${digits.slice(0, -18)}${fraction === '' ? '' : `.${fraction}`} ETH`
}
