import { afterAll, describe, expect, it } from 'vitest'
import { tokens } from '../../../../../test/fixtures/stages/stages.ts'
import { faulty, sound } from '../../../../../test/support/flow-stages.ts'
import {
  failFast,
  nodeOf,
  removeFlowFolders,
  runFlow,
  type FlowText,
} from '../../../../../test/support/flows.ts'

afterAll(removeFlowFolders)

const source = (count: number) =>
  ({ role: 'source', stage: 'faulty-source', config: `4000000000 0 0 ${count}` }) as const
const host = { role: 'sink', stage: 'host' } as const
const skip = { ...failFast, base: { kind: 'skip' } } as const
/** What a `witness` was told. */
const told = (bytes: Buffer) => ({
  sequence: Number(bytes.readBigUInt64LE(0)),
  time: bytes.readBigUInt64LE(8),
})

describe('spec flows 18, token sample', () => {
  it('20 in, 1 filtered, 3 sentences; the flush delivers the partial one', async () => {
    const ended = await runFlow({
      nodes: {
        source: { role: 'source', stage: 'token-source' },
        filter: { role: 'filter', stage: 'word-filter', config: 'um' },
        join: { role: 'aggregator', stage: 'sentence-aggregator' },
        sink: host,
      },
      edges: ['source > filter', 'filter > join', 'join > sink'],
    })
    expect(ended.end).toMatchObject({
      state: 'completed',
      figures: { elements: tokens.length, delivered: 3 },
    })
    expect(nodeOf(ended, 'filter').dropped).toEqual({ filter: 1 })
    const text = tokens.filter((token) => token !== 'um').join(' ')
    expect(ended.flow.texts('sink')).toEqual(text.split(/(?<=\.) /))
  })
})

describe('spec flows 18, sequence and time', () => {
  it('the end of S→P→S sees 0, 1, 2, …; time never decreases; what components say is ignored', async () => {
    const { flow } = await runFlow({
      nodes: {
        source: source(50),
        middle: { role: 'processor', stage: 'faulty-processor', config: sound },
        end: { role: 'processor', stage: 'witness' },
        sink: host,
      },
      edges: ['source > middle', 'middle > end', 'end > sink'],
    })
    const seen = flow.given('sink').map(told)
    expect(seen.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, place) => place))
    const nowNs = BigInt(Date.now()) * 1_000_000n
    for (const [place, { time }] of seen.entries()) {
      expect(time >= (seen[place - 1]?.time ?? 0n)).toBe(true)
      expect(nowNs - time < 60_000_000_000n && time - nowNs < 60_000_000_000n).toBe(true)
    }
  })

  it('skip leaves one gap, a filter none', async () => {
    const run = async (middle: FlowText['nodes'][string]): Promise<number[]> => {
      const { flow } = await runFlow({
        nodes: { source: source(6), middle, end: { role: 'processor', stage: 'witness' }, sink: host },
        edges: ['source > middle', 'middle > end', 'end > sink'],
      })
      return flow.given('sink').map((bytes) => told(bytes).sequence)
    }
    const config = faulty('invalid-input', { first: 2 })
    expect(await run({ role: 'processor', stage: 'faulty-processor', config, errorPolicy: skip })).toEqual([
      0, 1, 3, 4, 5,
    ])
    expect(await run({ role: 'filter', stage: 'even-filter' })).toEqual([0, 1, 2])
  })

  it('a retry keeps its number', async () => {
    const base = {
      kind: 'retry',
      max: 3,
      backoffMs: 1,
      factor: 1,
      maxBackoffMs: 1,
      then: 'fail-fast',
    } as const
    const config = faulty('internal', { first: 2, times: 2 })
    const { flow } = await runFlow({
      nodes: {
        source: source(4),
        end: { role: 'processor', stage: 'witness', config, errorPolicy: { ...failFast, base } },
        sink: host,
      },
      edges: ['source > end', 'end > sink'],
    })
    expect(flow.given('sink').map((bytes) => told(bytes).sequence)).toEqual([0, 1, 2, 3])
  })
})

describe('spec flows 18, order and fan-in', () => {
  it('2 sources of 10,000 elements: first in, first out per edge, strictly rising at the join, and both are waited for', async () => {
    const ended = await runFlow({
      nodes: {
        left: { role: 'source', stage: 'counter-source', config: '10000 4' },
        right: { role: 'source', stage: 'counter-source', config: '10000 5' },
        both: { role: 'processor', stage: 'faulty-processor', config: sound },
        sink: host,
      },
      edges: ['left > both', 'right > both', 'both > sink'],
    })
    const given = ended.flow.given('sink')
    for (const length of [4, 5]) {
      const numbers = given.filter((bytes) => bytes.length === length).map((bytes) => bytes.readUInt32LE(0))
      expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, place) => place))
    }
    // Sources of the same priority take turns.
    expect(given.slice(0, 6).map((bytes) => bytes.length)).toEqual([4, 5, 4, 5, 4, 5])
    expect(ended.end).toMatchObject({ state: 'completed', figures: { elements: 20_000, delivered: 20_000 } })
  })

  it('the join sees strictly rising numbers whatever edge they come by', async () => {
    const { flow } = await runFlow({
      nodes: {
        left: source(500),
        right: source(300),
        both: { role: 'processor', stage: 'witness' },
        sink: { ...host },
      },
      edges: ['left > both', { way: 'right > both', rateLimit: 1_000 }, 'both > sink'],
    })
    const numbers = flow.given('sink').map((bytes) => told(bytes).sequence)
    expect(numbers).toEqual(Array.from({ length: 800 }, (_, place) => place))
  })
})

describe('spec flows 18, router ports', () => {
  const routed = (errorPolicy = skip): FlowText => ({
    nodes: {
      source: { role: 'source', stage: 'counter-source', config: '10 64' },
      router: { role: 'router', stage: 'port-router', errorPolicy },
      a: host,
      b: host,
    },
    edges: ['source > router', 'router.a > a', 'router.b > b'],
  })
  const numbers = (given: readonly Buffer[]): number[] => given.map((bytes) => bytes.readUInt32LE(0))

  it('an unknown port is E0460 and the known one still delivers; an empty list drops; two ports share one buffer', async () => {
    const ended = await runFlow(routed())
    expect(numbers(ended.flow.given('a'))).toEqual([1, 3, 6, 8])
    expect(numbers(ended.flow.given('b'))).toEqual([2, 3, 4, 7, 8, 9])
    expect(nodeOf(ended, 'router')).toMatchObject({
      dropped: { 'no-port': 2 },
      errors: { 'invalid-input': 2 },
      copies: 0,
    })
    expect(ended.end.figures.pool.allocated).toBe(10)
    expect(ended.end.figures.liveBuffers).toBe(0)
  })

  it('fail-fast names the port', async () => {
    const { end } = await runFlow(routed({ ...failFast } as typeof skip))
    expect(end.failure?.error.message).toContain(
      'Router "router" chose port "ghost", which has no edge. (E0460)',
    )
  })
})

describe('spec flows 5.6, fan-out', () => {
  it('every consumer gets the same buffer, and the slowest branch sets the pace', async () => {
    const ended = await runFlow({
      nodes: {
        source: { role: 'source', stage: 'counter-source', config: '100 64' },
        fast: host,
        slow: host,
      },
      edges: [
        { way: 'source > fast', capacity: 8 },
        { way: 'source > slow', capacity: 8, rateLimit: 100 },
      ],
    })
    expect(ended.end.figures).toMatchObject({ elements: 100, delivered: 200, pool: { allocated: 100 } })
    expect(ended.flow.elapsedMs).toBeGreaterThan(900)
    expect(ended.end.figures.edges[1]?.peakDepth).toBeLessThanOrEqual(8)
  })

  it('independent lets the fast branch go on past one that drops', async () => {
    const ended = await runFlow({
      nodes: {
        source: { role: 'source', stage: 'counter-source', config: '100 64', fanOut: 'independent' },
        fast: host,
        slow: host,
      },
      edges: [
        { way: 'source > fast', capacity: 8 },
        { way: 'source > slow', capacity: 8, rateLimit: 1, policy: 'drop-newest' },
      ],
    })
    expect(ended.flow.given('fast')).toHaveLength(100)
    const slow = nodeOf(ended, 'slow')
    expect(slow.elementsOut + (slow.dropped['newest'] ?? 0)).toBe(100)
    expect(ended.end.figures.liveBuffers).toBe(0)
  })
})
