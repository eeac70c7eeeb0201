// Filter: transfers of less than config {"atLeast": "1000"} (in the token's smallest unit) end here.
import { defineFilter, fail } from 'paddock:stage'
import { readConfig } from './lib/config.ts'
import type { Entry } from './lib/entries.ts'

let atLeast = 1n

export const { filter, lifecycle } = defineFilter({
  init(config) {
    const given = readConfig(config)['atLeast'] ?? '1'
    if (typeof given !== 'string' || !/^\d{1,78}$/.test(given))
      fail.invalidInput('config atLeast must be a whole number, as a text')
    atLeast = BigInt(given)
  },
  evaluate(element) {
    const entry = element.json() as Entry
    return entry.kind !== 'transfer' || BigInt(entry.amount) >= atLeast
  },
})
