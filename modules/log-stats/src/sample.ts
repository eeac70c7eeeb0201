// Source: logs as a chain has them, of two tokens; the same each time. Config: {"elements": 1000}.
import { defineSource, json } from 'paddock:stage'
import { readConfig, readCount } from './lib/config.ts'

const transfer = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const perBlock = 10
const unit = 10n ** 15n

let elements = 1_000
let count = 0

function word(value: bigint): string {
  return `0x${value.toString(16).padStart(64, '0')}`
}

export const { source, lifecycle } = defineSource({
  init(config) {
    elements = readCount(readConfig(config)['elements'], 'elements', elements)
  },
  pull() {
    if (count === elements) return null
    const at = count
    count += 1
    const blockNumber = Math.floor(at / perBlock) + 1
    return json({
      chainId: '31337',
      address: `0x${(at % 2 === 0 ? 'aa' : 'bb').repeat(20)}`,
      topics: [transfer, word(BigInt(at)), word(BigInt(at + 1))],
      // Every fourth is dust.
      data: word(at % 4 === 3 ? unit / 1_000n : unit * BigInt(at + 1)),
      blockNumber,
      blockHash: word(BigInt(blockNumber)),
      transactionHash: word(BigInt(at)),
      logIndex: at % perBlock,
    })
  },
})
