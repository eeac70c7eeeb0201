import { describe, expect, it } from 'vitest'
import { RoutingTable, type RoutedVersion } from './routing-table.ts'

const first: RoutedVersion = { name: 'orders', version: '1', types: ['place', 'cancel', 'ship'] }
const second: RoutedVersion = { name: 'orders', version: '2', types: ['place', 'ship', 'return'] }
const foreign: RoutedVersion = { name: 'shop', version: '1', types: ['ship', 'sell'] }

function withFirst(): RoutingTable<RoutedVersion> {
  return new RoutingTable<RoutedVersion>().activate(first, { takeover: false }).table
}

describe('the routing table', () => {
  it('spec decider 16: duplicate routing: names type and both modules, and stays as it is', () => {
    const table = withFirst()
    const before = table.entries()
    expect(() => table.activate(foreign, { takeover: false })).toThrow(
      expect.objectContaining({
        code: 'decider.duplicate_route',
        details: { type: 'ship', owner: 'orders@1', newcomer: 'shop@1' },
      }),
    )
    expect(table.entries()).toEqual(before)
  })

  it('spec decider 16: takeover: only when it is confirmed; dropped types are listed', () => {
    const { table, report } = withFirst().activate(foreign, { takeover: true })
    expect(report.takenOver).toEqual([{ type: 'ship', from: 'orders@1' }])
    expect(table.get('ship')).toBe(foreign)
    expect(table.get('place')).toBe(first)
    const next = withFirst().activate(second, { takeover: false })
    expect(next.report.dropped).toEqual(['cancel'])
    expect(next.report.activated).toEqual([
      { type: 'place', before: 'orders@1' },
      { type: 'ship', before: 'orders@1' },
      { type: 'return', before: null },
    ])
    expect(next.table.get('cancel')).toBeUndefined()
  })

  it('spec decider 16: atomic activation: 10,000 lookups during swaps never see a mix', () => {
    const versions: RoutedVersion[] = ['1', '2'].map((version) => ({ ...first, version }))
    let table = new RoutingTable<RoutedVersion>()
    for (let lookup = 0; lookup < 10_000; lookup += 1) {
      const seen = table
      const [one] = first.types.map((type) => seen.get(type))
      // The swap happens between the reads of one caller, who keeps the table that it has.
      table = table.activate(versions[lookup % 2]!, { takeover: false }).table
      expect(first.types.every((type) => seen.get(type) === one)).toBe(true)
    }
  })
})
