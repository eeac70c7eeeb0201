import { get, listKeys, set } from 'nexum:host/local-store@0.2.0'
import { log } from 'nexum:host/logging@0.2.0'
import type { Config } from 'nexum:host/types@0.2.0'
import { decodeText, encodeText, hostError } from 'paddock:guest'

function reject(problem: string): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- the contract's error is a plain record
  throw hostError('rule-query', 'invalid-input', problem)
}

function addressOf(value: unknown, where: string): string {
  if (typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)) return value.toLowerCase()
  return reject(`${where} is not 0x and 40 hex digits`)
}

/** Keeps the rules, so that they can be looked at in the store. */
export function init(config: Config): void {
  const values = new Map(config)
  const most = values.get('max_value_wei') ?? '0'
  if (!/^[0-9]{1,78}$/.test(most)) reject('config max_value_wei is not a decimal number')
  const denied: unknown = JSON.parse((values.get('denied') ?? '[]').replace(/,\s*\]$/, ']'))
  if (!Array.isArray(denied)) return reject('config denied is not a list')
  set('rule/max-value', encodeText(most))
  for (const address of denied) set(`rule/denied/${addressOf(address, 'config denied')}`, encodeText(''))
  log('info', `${listKeys('rule/').length} rules`)
}

interface Verdict {
  allowed: boolean
  reason: string | null
}

function judge(to: string, value: bigint): Verdict {
  if (get(`rule/denied/${to}`) !== null) return { allowed: false, reason: `${to} gets nothing` }
  const stored = get('rule/max-value')
  const most = stored === null ? 0n : BigInt(decodeText(stored))
  if (value > most) return { allowed: false, reason: `${value} is more than ${most}` }
  return { allowed: true, reason: null }
}

/** Takes `{"to":"0x…","value":"…"}` in JSON, answers `{"allowed":…,"reason":…}`. */
export function evaluate(input: Uint8Array): Uint8Array {
  let question: unknown
  try {
    question = JSON.parse(decodeText(input))
  } catch {
    return reject('the question is not JSON')
  }
  if (typeof question !== 'object' || question === null) return reject('the question is not an object')
  const { to, value } = question as { to?: unknown; value?: unknown }
  if (typeof value !== 'string' || !/^[0-9]{1,78}$/.test(value)) return reject('value is not a decimal text')
  return encodeText(JSON.stringify(judge(addressOf(to, 'to'), BigInt(value))))
}
