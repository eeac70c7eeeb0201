import { describe, expect, it } from 'vitest'
import { failureOf } from '../../../../test/support/failure.ts'
import { subscriptionSchema } from '../../../shared/domain/module.ts'
import { knownCapabilities } from '../../contracts/registry.ts'
import { parseManifest } from './read-manifest.ts'

function subscriptions(more: string): unknown {
  const text = `[module]\nname = "demo"\n[[subscription]]\nkind = "decider-events"\n${more}`
  const context = { knownCapabilities: knownCapabilities() }
  return parseManifest('/b/paddock.toml', new TextEncoder().encode(text), context).subscriptions
}

describe('a subscription to a decider', () => {
  it('is read with its types and where it begins', () => {
    const found = subscriptions('module = "demo.orders"\ntypes = ["orders.placed", "x"]\nfrom = "now"')
    expect(found).toEqual([
      { kind: 'decider-events', module: 'demo.orders', types: ['orders.placed', 'x'], from: 'now' },
    ])
    expect(subscriptionSchema.array().parse(found)).toEqual(found)
  })

  it('has every type from the start unless it says', () => {
    expect(subscriptions('module = "demo.orders"')).toEqual([
      { kind: 'decider-events', module: 'demo.orders', types: [], from: 'start' },
    ])
  })

  it.each([
    ['', 'module'],
    ['module = ""', 'module'],
    ['module = "a@1"', 'module'],
    ['module = "a/b"', 'module'],
    [`module = "${'é'.repeat(65)}"`, 'module'],
    ['module = "a"\ntypes = [""]', 'types'],
    ['module = "a"\ntypes = [1]', 'types'],
    ['module = "a"\ntypes = "x"', 'types'],
    [`module = "a"\ntypes = ["${'x'.repeat(257)}"]`, 'types'],
    ['module = "a"\nfrom = "then"', 'from'],
    ['module = "a"\nchain_id = 1', 'chain_id'],
  ])('%j names what is wrong', (text, key) => {
    const error = failureOf(() => subscriptions(text))
    expect(error.code).toMatch(/^manifest\./)
    expect(error.message).toContain(key)
  })
})
