// Sink: a line for a person in the log of the flow.
import { defineSink } from 'paddock:stage'
import type { Statistics } from './lib/entries.ts'

let reports = 0
let transfers = 0

export const { sink, lifecycle } = defineSink({
  push(element) {
    const statistics = element.json() as Statistics
    reports += 1
    transfers += statistics.transfers
    const { blocks, firstBlock, lastBlock } = statistics
    const sums = Object.entries(statistics.tokens).map(
      ([token, sum]) => `; ${sum.transfers} of ${token.slice(0, 10)}… for ${sum.amount}`,
    )
    console.log(
      `blocks ${firstBlock} to ${lastBlock}: ${blocks} new, ${statistics.transfers} transfers${sums.join('')}`,
    )
  },
  complete() {
    console.log(`${transfers} transfers in ${reports} reports`)
  },
})
