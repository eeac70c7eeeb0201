// Aggregator: one element of statistics for so many entries, config {"every": 10}; what is left at the end, too.
import { defineAggregator, json, type Output } from 'paddock:stage'
import { readConfig, readCount } from './lib/config.ts'
import type { Entry, Statistics } from './lib/entries.ts'

let every = 10
let entries = 0
let blocks = 0
let transfers = 0
let firstBlock = 0
let lastBlock = 0
let tokens = new Map<string, { transfers: number; amount: bigint }>()

function count(entry: Entry): void {
  const block = entry.kind === 'block' ? entry.number : entry.block
  firstBlock = entries === 0 ? block : Math.min(firstBlock, block)
  lastBlock = entries === 0 ? block : Math.max(lastBlock, block)
  entries += 1
  if (entry.kind === 'block') {
    blocks += 1
    return
  }
  transfers += 1
  const token = tokens.get(entry.token) ?? { transfers: 0, amount: 0n }
  token.transfers += 1
  token.amount += BigInt(entry.amount)
  tokens.set(entry.token, token)
}

function handOut(): Output {
  const statistics: Statistics = {
    entries,
    blocks,
    transfers,
    firstBlock,
    lastBlock,
    tokens: Object.fromEntries(
      [...tokens].map(([address, token]) => [
        address,
        { transfers: token.transfers, amount: String(token.amount) },
      ]),
    ),
  }
  entries = 0
  blocks = 0
  transfers = 0
  tokens = new Map()
  return json(statistics)
}

export const { aggregator, lifecycle } = defineAggregator({
  init(config) {
    every = readCount(readConfig(config)['every'], 'every', every)
  },
  ingest(element) {
    count(element.json() as Entry)
    return entries === every ? handOut() : null
  },
  flush: () => (entries === 0 ? [] : [handOut()]),
})
