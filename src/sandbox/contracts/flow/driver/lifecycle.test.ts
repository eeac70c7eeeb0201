import { afterAll, describe, expect, it } from 'vitest'
import { faulty, sound } from '../../../../../test/support/flow-stages.ts'
import {
  nodeOf,
  openFlow,
  removeFlowFolders,
  runFlow,
  type FlowText,
} from '../../../../../test/support/flows.ts'

afterAll(removeFlowFolders)

const calls = (spans: readonly { function: string; node: string }[], name: string): string[] =>
  spans.filter((span) => span.function === name).map(({ node }) => node)

const five: FlowText = {
  level: 'diagnostic',
  nodes: {
    sink: { role: 'sink', stage: 'faulty-sink', config: sound },
    second: { role: 'processor', stage: 'faulty-processor', config: sound },
    source: { role: 'source', stage: 'faulty-source', config: sound },
    third: { role: 'filter', stage: 'faulty-filter', config: sound },
    first: { role: 'processor', stage: 'clone-transform' },
  },
  edges: ['source > first', 'first > second', 'second > third', 'third > sink'],
}

describe('spec flows 18, lifecycle order', () => {
  it('init goes from sources to sinks and teardown back', async () => {
    const { end, flow } = await runFlow(five)
    expect(end.state).toBe('completed')
    expect(calls(flow.spans, 'init')).toEqual(['source', 'first', 'second', 'third', 'sink'])
    expect(calls(flow.spans, 'teardown')).toEqual(['sink', 'third', 'second', 'first', 'source'])
    expect(flow.states).toEqual(['validated', 'instantiated', 'running', 'draining', 'completed'])
    expect(end.figures.liveBuffers).toBe(0)
    expect(end.leaked).toBe(0)
  })

  it('a refusal of the second node tears down the first alone; nothing is pulled', async () => {
    const nodes = {
      ...five.nodes,
      first: { role: 'processor', stage: 'clone-transform', config: '!' } as const,
    }
    const ended = await runFlow({ ...five, nodes })
    const { end, flow } = ended
    expect(end.state).toBe('failed')
    expect(end.failure).toMatchObject({ node: 'first', function: 'init', case: 'invalid-input' })
    expect(end.failure?.error).toMatchObject({ code: 'stage.refused', details: { code: 'E0942' } })
    expect(end.failure?.error.message).toBe(
      'Stage "first" refused to start: invalid-input: the config begins with !',
    )
    expect(calls(flow.spans, 'teardown')).toEqual(['source'])
    expect(calls(flow.spans, 'pull')).toEqual([])
    expect(nodeOf(ended, 'source').invocations).toBe(2)
    expect(flow.states).toEqual(['validated', 'instantiated', 'failed'])
  })

  it('a refusal of the third tears down the second and the first', async () => {
    const { end, flow } = await runFlow({
      ...five,
      nodes: { ...five.nodes, second: { role: 'processor', stage: 'clone-transform', config: '!' } },
    })
    expect(end.failure).toMatchObject({ node: 'second', function: 'init', case: 'invalid-input' })
    expect(calls(flow.spans, 'init')).toEqual(['source', 'first', 'second'])
    expect(calls(flow.spans, 'teardown')).toEqual(['first', 'source'])
    expect(calls(flow.spans, 'pull')).toEqual([])
  })

  it('the time of the first init begins with its call, however long ago the flow was loaded', async () => {
    const { flow, run } = await openFlow({ ...five, timeouts: { initMs: 1_000, deadlineMs: 60_000 } })
    flow.time.sleptMs += 3_600_000
    const end = run()
    expect(end.failure).toBeNull()
    expect(end.state).toBe('completed')
    expect(end.figures.activeNs).toBeLessThan(60_000 * 1e6)
  })

  it('a sink that does not finish turns Completed into Failed', async () => {
    const nodes = {
      ...five.nodes,
      sink: { role: 'sink', stage: 'faulty-sink', config: `${sound} 0 1` } as const,
    }
    const { end } = await runFlow({ ...five, nodes })
    expect(end.state).toBe('failed')
    expect(end.failure?.error.message).toContain('The sink did not finish')
    expect(end.failure).toMatchObject({ node: 'sink', function: 'complete', case: 'internal' })
  })

  it('flush comes before complete, complete before teardown, and none of the first two after a failure', async () => {
    const text = (config: string): FlowText => ({
      level: 'diagnostic',
      nodes: {
        source: { role: 'source', stage: 'faulty-source', config },
        join: { role: 'aggregator', stage: 'faulty-aggregator', config: `${sound} 3` },
        sink: { role: 'sink', stage: 'faulty-sink', config: sound },
      },
      edges: ['source > join', { way: 'join > sink', capacity: 1 }],
    })
    const whole = await runFlow(text(sound))
    const ends = whole.flow.spans
      .map((span) => span.function)
      .filter((name) => /flush|complete|teardown/.test(name))
    expect(ends).toEqual(['flush', 'complete', 'teardown', 'teardown', 'teardown'])
    expect(whole.end.figures.delivered).toBe(4 + 3)
    const broken = await runFlow(text(faulty('internal', { first: 2 })))
    expect(broken.end.state).toBe('failed')
    expect(broken.flow.spans.filter((span) => /flush|complete/.test(span.function))).toEqual([])
    expect(broken.end.figures.liveBuffers).toBe(0)
  })
})
