import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { figuresOf, logStats, sampleFlow, sampleSpans, smallGraph } from '../../testing/flows/sample-flows.ts'
import { FlowMeter } from './flow-meter.ts'
import { flowStanding } from './flow-words.ts'
import { neighbour, placeGraph, stageHeight, stageWidth } from './graph-layout.ts'
import { shortRate, stagesOf } from './stage-facts.ts'
import { tomlTokens } from './toml-tokens.ts'
import { rowsOf, treesOf } from './trace-trees.ts'

describe('rates', () => {
  const at = (elements: number) => {
    const figures = figuresOf(smallGraph())
    figures.elements = elements
    figures.nodes[0]!.elementsOut = elements
    figures.nodes[1]!.elementsIn = elements
    figures.edges[0]!.transferred = elements
    figures.edges[0]!.pressedNs = elements * 1e6
    return figures
  }
  it('are over the last 3 s, also of edges and of time held', () => {
    const meter = new FlowMeter()
    for (let step = 0; step <= 40; step += 1) meter.sample(at(step * 100), step * 250)
    expect(meter.rates?.elements).toBeCloseTo(400)
    expect(meter.rates?.nodes.get('flip')).toEqual({ in: 400, out: 0 })
    expect(meter.rates?.edges[0]).toBeCloseTo(400)
    expect(meter.rates?.held[0]).toBeCloseTo(0.4)
  })
  it('fall to 0 when nothing is told any more, and begin anew with another run', () => {
    const meter = new FlowMeter()
    meter.sample(at(0), 0)
    meter.sample(at(1_000), 1_000)
    expect(meter.rates?.elements).toBe(1_000)
    for (let second = 2; second <= 8; second += 1) meter.tick(second * 1_000, () => [])
    expect(meter.rates?.elements).toBe(0)
    expect(meter.history).toHaveLength(7)
    meter.sample(at(5), 9_000)
    expect(meter.history).toHaveLength(0)
    expect(meter.rates).toBeNull()
  })
  it('never are negative or no number, whatever is counted', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ count: fc.nat(), ms: fc.nat(5_000) }), { maxLength: 40 }), (steps) => {
        const meter = new FlowMeter()
        let now = 0
        for (const { count, ms } of steps) {
          now += ms
          meter.sample(at(count), now)
          meter.tick(now, () => [])
          const values = [meter.rates?.elements ?? 0, ...(meter.rates?.edges ?? [])]
          expect(values.every((value) => Number.isFinite(value) && value >= 0)).toBe(true)
        }
      }),
    )
  })
})

describe('the layout', () => {
  it('lets no two stages meet, from left to right', () => {
    const graph = logStats()
    const placed = placeGraph(graph)
    for (const a of placed.stages)
      for (const b of placed.stages)
        if (a !== b)
          expect(
            Math.abs(a.left - b.left) >= stageWidth || Math.abs(a.top - b.top) >= stageHeight,
            `${a.name} ${b.name}`,
          ).toBe(true)
    const left = new Map(placed.stages.map(({ name, left: at }) => [name, at]))
    for (const { from, to } of graph.edges) expect(left.get(from)!).toBeLessThan(left.get(to)!)
    expect(placed.edges).toHaveLength(graph.edges.length)
  })
  it('bears drafts: circles, edges to nowhere and to themselves, twice the same, nothing at all', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd')
    fc.assert(
      fc.property(
        fc.uniqueArray(name),
        fc.array(fc.record({ from: name, to: name }), { maxLength: 8 }),
        (names, edges) => {
          const placed = placeGraph({ nodes: names.map((each) => ({ name: each })), edges })
          expect(placed.stages.map((stage) => stage.name)).toEqual(names)
          expect(placed.stages.every(({ left, top }) => Number.isFinite(left) && Number.isFinite(top))).toBe(
            true,
          )
        },
      ),
      { numRuns: 60 },
    )
  })
  it('leads by arrow keys along the edges', () => {
    const { nodes, edges } = logStats()
    const placed = placeGraph({ nodes, edges })
    expect(neighbour(placed, edges, 'arb-logs', 'ArrowRight')).toBe('decode')
    expect(neighbour(placed, edges, 'decode', 'ArrowLeft')).toBe('arb-logs')
    expect(neighbour(placed, edges, 'arb-logs', 'ArrowLeft')).toBeNull()
    expect(neighbour(placed, edges, 'arb-logs', 'ArrowUp')).toBeNull()
  })
})

describe('standing', () => {
  it('names the stage that holds the others back: the last one under pressure', () => {
    const figures = figuresOf(logStats())
    figures.edges[2]!.pressed = true
    figures.edges[3]!.pressed = true
    const view = sampleFlow(logStats(), { state: 'running', figures })
    expect(flowStanding(view)).toEqual({ mark: 'degraded', word: 'Held back', reason: 'at enrich' })
    expect(flowStanding({ ...view, state: 'completed' }).word).toBe('Completed')
    const rates = { elements: 0, nodes: new Map(), edges: [], held: [0, 0, 0, 0.05, 0, 0, 0.4, 0] }
    expect(flowStanding(view, rates).reason).toBe('at stats-out')
  })
  it('tells states of stages by mark and word', () => {
    const figures = figuresOf(smallGraph())
    const word = (state: (typeof figures.nodes)[number]['state']): string | undefined => {
      figures.nodes[1]!.state = state
      const view = sampleFlow(smallGraph(), { state: 'running', figures })
      return stagesOf({ view, rates: null })[1]?.word
    }
    const states = ['waiting', 'ready', 'paused', 'retrying', 'circuit-open', 'dead', 'done'] as const
    expect(states.map(word)).toEqual([
      'Starting',
      'Running',
      'Asked for a pause',
      'Retrying',
      'Circuit open',
      'Dead',
      'Done',
    ])
  })
  it('keeps rates short', () => {
    const texts = [0.04, 9.5, 312, 9_994, 10_000, 398_210, 1_234_567].map((value) => {
      const { value: digits, unit } = shortRate(value)
      return `${digits}${unit}`
    })
    expect(texts).toEqual(['<\u202f0.1/s', '9.5/s', '312/s', '9\u202f994/s', '10.0k/s', '398k/s', '1.23M/s'])
  })
})

describe('a trace', () => {
  it('is a tree for each element, newest first; calls whose parent is gone stand alone', () => {
    const graph = smallGraph()
    const spans = [...sampleSpans(graph, 1), ...sampleSpans(graph, 2)].slice(1)
    const trees = treesOf(spans)
    expect(trees.map(({ span }) => [span.node, span.sequence])).toEqual([
      ['source', 2],
      ['flip', 1],
    ])
    const rows = rowsOf(trees, new Set([trees[0]!.span.span]))
    expect(rows.map(({ span, depth }) => [span.node, depth])).toEqual([
      ['source', 0],
      ['flip', 0],
      ['sink', 1],
    ])
    expect(rows[0]).toMatchObject({ below: 2, totalNs: 700 + 900 + 1_100 })
  })
})

describe('colours of a flow file', () => {
  it('lose no character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('[', ']', '"', "'", '#', '=', ' ', '\n', 'a', 'b', '\\') }),
        (text) => {
          expect(
            tomlTokens(text)
              .map((token) => token.text)
              .join(''),
          ).toBe(text)
        },
      ),
    )
  })
  it('tell tables, keys, strings and comments apart', () => {
    const tokens = tomlTokens('[flow.main] # it\nname = "a # b"\n')
    expect(tokens.filter(({ kind }) => kind !== '').map(({ kind, text }) => [kind, text])).toEqual([
      ['n', '[flow.main]'],
      ['c', '# it'],
      ['k', 'name'],
      ['s', '"a # b"'],
    ])
  })
})
