import { afterAll, describe, expect, it } from 'vitest'
import { sound } from '../../../../../test/support/flow-stages.ts'
import {
  nodeOf,
  removeFlowFolders,
  runFlow,
  type EdgeText,
  type EndedFlow,
  type FlowText,
} from '../../../../../test/support/flows.ts'
import type { FlowEdge } from '../../../../shared/contracts/flow.ts'

afterAll(removeFlowFolders)

const source = (count: number) =>
  ({ role: 'source', stage: 'faulty-source', config: `4000000000 0 0 ${count}` }) as const
const host = { role: 'sink', stage: 'host' } as const
/** What a source was told, in order: at diagnostic level every call of it is a span. */
const notified = ({ flow }: EndedFlow): string[] =>
  flow.letters.flatMap((letter) =>
    letter.kind === 'event' && letter.event.startsWith('backpressure.') ? [letter.event.slice(13)] : [],
  )

describe('spec flows 18, backpressure', () => {
  it('a sink that pauses at every 16th: pause and ready alternate, the peak stays below the capacity, nothing is lost', async () => {
    const ended = await runFlow({
      level: 'diagnostic',
      nodes: {
        source: source(160),
        sink: { role: 'sink', stage: 'faulty-sink', config: `${sound} 16` },
      },
      edges: [{ way: 'source > sink', capacity: 16 }],
    })
    expect(ended.end).toMatchObject({
      state: 'completed',
      figures: { elements: 160, delivered: 160, dropped: 0 },
    })
    const [edge] = ended.end.figures.edges
    expect(edge?.peakDepth).toBeLessThanOrEqual(16)
    expect(edge?.pressures).toBe(10)
    const told = ended.flow.spans.filter((span) => span.function === 'notify-backpressure')
    expect(told).toHaveLength(20)
    const events = notified(ended)
    expect(events.filter((_, place) => place % 2 === 0).every((event) => event === 'activated')).toBe(true)
    expect(events.filter((_, place) => place % 2 === 1).every((event) => event === 'deactivated')).toBe(true)
    expect(ended.flow.elapsedMs).toBeGreaterThanOrEqual(9 * 10)
  })

  it('a queue that was full re-opens at half of its capacity', async () => {
    const depths: number[] = []
    const pulled: number[] = []
    await runFlow(
      {
        nodes: { source: source(40), sink: host },
        edges: [{ way: 'source > sink', capacity: 9, rateLimit: 100 }],
        level: 'diagnostic',
      },
      {
        onLetter(letter) {
          if (letter.kind !== 'event' || !letter.event.startsWith('backpressure.')) return undefined
          const depth = Number(/: (\d+) of 9/.exec(letter.message)?.[1])
          ;(letter.event === 'backpressure.activated' ? pulled : depths).push(depth)
          return undefined
        },
      },
    )
    expect(new Set(pulled)).toEqual(new Set([9]))
    expect(depths.length).toBeGreaterThan(3)
    expect(new Set(depths.slice(0, -1))).toEqual(new Set([4]))
  })

  it('spec flows 18, always-pausing sink: 100 elements finish, at least one a second', async () => {
    const { end, flow } = await runFlow({
      nodes: {
        source: source(100),
        sink: { role: 'sink', stage: 'faulty-sink', config: `${sound} 1` },
      },
      edges: ['source > sink'],
    })
    expect(end).toMatchObject({ state: 'completed', figures: { delivered: 100 } })
    expect(flow.time.sleptMs).toBeLessThan(100_000)
    expect(flow.elapsedMs).toBeGreaterThan(80_000)
  })
})

describe('spec flows 18, policies: capacity 4, closed gate, 10 elements', () => {
  // The gate of a sink in the engine is closed while it has no credit; the engine gives 256 at first.
  const run = async (
    policy: FlowEdge['policy'],
    extra: Partial<FlowText> = {},
  ): Promise<EndedFlow & { kept: number[] }> => {
    let isOpen = false
    const edge: EdgeText = { way: 'source > sink', capacity: 4, policy }
    const ended = await runFlow(
      {
        nodes: { source: { role: 'source', stage: 'host' }, sink: host },
        edges: [edge],
        timeouts: { drainMs: 10_000 },
        ...extra,
      },
      {
        withoutCredit: true,
        onLetter(letter) {
          if (letter.kind !== 'wanted' || isOpen) return undefined
          isOpen = true
          const element = (place: number) => ({ bytes: Uint8Array.of(place), contentType: '' })
          const first = Array.from({ length: 256 }, () => element(0))
          return { kind: 'elements', node: 'source', elements: first, closed: false }
        },
        onSleep(_, flow) {
          const given = flow.given('sink').length
          if (given === 256 && flow.texts('sink').length === 256 && !flow.lines.includes('sent')) {
            flow.lines.push('sent')
            const elements = Array.from({ length: 10 }, (_none, place) => ({
              bytes: Uint8Array.of(place + 1),
              contentType: '',
            }))
            return { kind: 'elements', node: 'source', elements, closed: policy !== 'error' }
          }
          if (flow.lines.includes('sent') && !flow.lines.includes('open')) {
            flow.lines.push('open')
            return [{ kind: 'credit', node: 'sink', elements: 100 }]
          }
          if (policy === 'error' && !flow.lines.includes('closed')) {
            flow.lines.push('closed')
            return { kind: 'elements', node: 'source', elements: [], closed: true }
          }
          return undefined
        },
      },
    )
    const kept = ended.flow
      .given('sink')
      .map((bytes) => bytes[0] ?? 0)
      .slice(256)
    return { ...ended, kept }
  }

  it('block-producer keeps 4, the rest waits, nothing is lost', async () => {
    const { kept, end } = await run('block-producer')
    expect(kept).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(end.figures.edges[0]).toMatchObject({ peakDepth: 4, dropped: 0 })
  })

  it('drop-oldest keeps 7 to 10', async () => {
    const { kept, end } = await run('drop-oldest')
    expect(kept).toEqual([7, 8, 9, 10])
    expect(end.figures.nodes[1]?.dropped).toEqual({ oldest: 6 })
    expect(end.figures.edges[0]).toMatchObject({ pressures: 1, dropped: 6 })
  })

  it('drop-newest keeps 1 to 4', async () => {
    const { kept, end } = await run('drop-newest')
    expect(kept).toEqual([1, 2, 3, 4])
    expect(end.figures.nodes[1]?.dropped).toEqual({ newest: 6 })
    expect(end.figures.liveBuffers).toBe(0)
  })

  it('error raises once in an episode, and loses nothing of a source', async () => {
    const { kept, end } = await run('error')
    expect(end.figures.nodes[0]?.errors).toEqual({ unavailable: 1 })
    expect(end.figures.edges[0]?.pressures).toBe(1)
    expect(kept).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('error of a stage in the middle is unavailable("queue full") by its policy', async () => {
    const { end } = await runFlow({
      nodes: {
        source: source(10),
        middle: { role: 'processor', stage: 'faulty-processor', config: sound },
        sink: { role: 'sink', stage: 'faulty-sink', config: `${sound} 1` },
      },
      edges: ['source > middle', { way: 'middle > sink', capacity: 4, policy: 'error' }],
    })
    expect(end.failure).toMatchObject({ node: 'middle', case: 'unavailable' })
    expect(end.failure?.error.message).toBe('Stage "middle" failed on element 1: unavailable: queue full')
  })
})

describe('spec flows 18, memory bound and drains', () => {
  it('no more elements are in flight than the queues hold and nodes there are', async () => {
    const ended = await runFlow(
      {
        nodes: {
          source: { role: 'source', stage: 'counter-source', config: '3000 64' },
          one: { role: 'processor', stage: 'flip-transform' },
          two: { role: 'processor', stage: 'flip-transform' },
          sink: host,
        },
        edges: [
          { way: 'source > one', capacity: 7 },
          { way: 'one > two', capacity: 5 },
          { way: 'two > sink', capacity: 3, rateLimit: 1_000 },
        ],
      },
      {
        onStep: (_, { figures }) => {
          if (figures !== undefined) expect(figures.liveBuffers).toBeLessThanOrEqual(7 + 5 + 3 + 4)
          return undefined
        },
      },
    )
    expect(ended.end.figures).toMatchObject({ delivered: 3_000, dropped: 0, liveBuffers: 0 })
    expect(ended.end.figures.edges.map(({ peakDepth }) => peakDepth)).toEqual([7, 5, 3])
    // Buffers come from the pool again and again.
    expect(ended.end.figures.pool.allocated - ended.end.figures.pool.reused).toBeLessThanOrEqual(
      7 + 5 + 3 + 4,
    )
  })

  it('the drain of an operator lets everything through, flush and complete included', async () => {
    const ended = await runFlow(
      {
        level: 'diagnostic',
        nodes: {
          source: { role: 'source', stage: 'counter-source', config: '0 64' },
          join: { role: 'aggregator', stage: 'faulty-aggregator', config: `${sound} 2` },
          sink: host,
        },
        edges: ['source > join', 'join > sink'],
      },
      { onStep: (step) => (step === 3_000 ? { kind: 'drain' } : undefined) },
    )
    const { end, flow } = ended
    expect(end).toMatchObject({ state: 'cancelled', failure: null, leaked: 0 })
    expect(end.figures.delivered).toBe(end.figures.elements + 2)
    expect(end.figures.dropped).toBe(0)
    expect(nodeOf(ended, 'join').state).toBe('done')
    expect(flow.texts('sink').slice(-2)).toEqual(['text/plain', 'text/plain'])
  })

  it('what does not drain in time is released and counted, and turns Completed into Failed', async () => {
    const stuck: FlowText = {
      nodes: { source: source(10), sink: host },
      edges: [{ way: 'source > sink', capacity: 16, rateLimit: 0.01 }],
      timeouts: { drainMs: 1_000 },
    }
    const { end } = await runFlow(stuck)
    expect(end.state).toBe('failed')
    expect(end.failure?.error).toMatchObject({ code: 'flow.drain_timeout', details: { released: 9 } })
    expect(end.figures.nodes[1]?.dropped).toEqual({ drain: 9 })
    expect(end.figures.liveBuffers).toBe(0)
  })
})
