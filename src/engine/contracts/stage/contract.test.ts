import { expect, test } from 'vitest'
import { exporting, importing, stageWorlds } from '../../../../test/support/stage-worlds.ts'
import type { WorldShape } from '../../../shared/component/world.ts'
import { matchContract } from '../../modules/match-contract.ts'
import { contracts } from '../registry.ts'

const matched = (world: WorldShape): string => matchContract(world, contracts).match.world

test('spec flows 18 all seven worlds: each is recognised as a stage of a flow', () => {
  const worlds = ['source', 'sink', 'processor', 'transform', 'filter', 'router', 'aggregator'] as const
  expect(worlds.map((name) => matched(stageWorlds[name]!))).toEqual([
    'torvyn:streaming/data-source@0.1.0',
    'torvyn:streaming/data-sink@0.1.0',
    'torvyn:streaming/managed-transform@0.1.0',
    'torvyn:streaming/transform@0.1.0',
    'torvyn:filtering/content-filter@0.1.0',
    'torvyn:filtering/content-router@0.1.0',
    'torvyn:aggregation/stream-aggregator@0.1.0',
  ])
})

test('spec flows 1.1: a world of its own may import WASI and the question for capabilities', () => {
  const sink = importing(stageWorlds['sink']!, 'wasi:cli/stdout@0.2.0', 'wasi:http/outgoing-handler@0.2.0')
  expect(matched(sink)).toBe('torvyn:streaming/data-sink@0.1.0')
  const { exports } = stageWorlds['sink']!
  expect(matched({ imports: stageWorlds['source']!.imports, exports: exports.slice(0, 1) })).toBe(
    'torvyn:streaming/data-sink@0.1.0',
  )
})

test('spec flows 1.3: another version or shape is refused with the first difference', () => {
  const thrown = (world: WorldShape): unknown => {
    try {
      return matched(world)
    } catch (error) {
      return error
    }
  }
  expect(thrown(stageWorlds['sink-of-0-2']!)).toMatchObject({
    code: 'component.unsupported_dialect',
    details: { mismatch: 'torvyn:streaming/sink@0.2.0' },
  })
  expect(thrown(stageWorlds['sink-of-another-shape']!)).toMatchObject({
    code: 'component.unsupported_dialect',
    details: { mismatch: "torvyn:streaming/sink#push parameter 'element'" },
  })
  const renamed = exporting(stageWorlds['source']!, 'torvyn:streaming/lifecycle', (shape) => ({
    ...shape,
    functions: {},
  }))
  expect(thrown(renamed)).toMatchObject({ details: { mismatch: 'torvyn:streaming/lifecycle#init' } })
  expect(thrown(stageWorlds['sink-with-database']!)).toMatchObject({ code: 'component.unknown_imports' })
})

test('a stage is refused as a module, with what to do instead', () => {
  const refusal = contracts.find(({ id }) => id === 'stage')?.refuseAlone?.()
  expect(refusal).toMatchObject({ code: 'stage.alone', remedy: expect.stringContaining('paddock flow run') })
})
