// Transform: blocks and logs of a chain become entries; logs that are no transfer of an amount are dropped.
import { defineTransform, fail, json } from 'paddock:stage'
import type { Entry } from './lib/entries.ts'

const transfer = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const wordLength = 66
/** Where an address stands in a topic. */
const addressAt = 26

type Fields = Readonly<Record<string, unknown>>

function textOf(fields: Fields, key: string): string {
  const value = fields[key]
  return typeof value === 'string' ? value : fail.invalidInput(`${key} must be a text`)
}

function numberOf(fields: Fields, key: string): number {
  const value = fields[key]
  return typeof value === 'number' ? value : fail.invalidInput(`${key} must be a number`)
}

function entryOf(fields: Fields): Entry | null {
  if (!Array.isArray(fields['topics'])) return { kind: 'block', number: numberOf(fields, 'number') }
  const [event, from, to] = fields['topics'] as unknown[]
  const data = textOf(fields, 'data')
  // Tokens that are not fungible index the amount too, and have no data.
  if (event !== transfer || typeof from !== 'string' || typeof to !== 'string' || data.length !== wordLength)
    return null
  return {
    kind: 'transfer',
    block: numberOf(fields, 'blockNumber'),
    token: textOf(fields, 'address'),
    from: `0x${from.slice(addressAt)}`,
    to: `0x${to.slice(addressAt)}`,
    amount: String(BigInt(data)),
  }
}

export const { processor, lifecycle } = defineTransform({
  process(element) {
    const value = element.json()
    if (typeof value !== 'object' || value === null) return fail.invalidInput('not an object')
    const entry = entryOf(value as Fields)
    return entry === null ? null : json(entry)
  },
})
