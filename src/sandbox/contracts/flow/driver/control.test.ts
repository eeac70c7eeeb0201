import { afterAll, describe, expect, it } from 'vitest'
import { faulty, sound } from '../../../../../test/support/flow-stages.ts'
import {
  nodeOf,
  removeFlowFolders,
  runFlow,
  traceId,
  type FlowText,
} from '../../../../../test/support/flows.ts'

afterAll(removeFlowFolders)

const endless = (more: Partial<FlowText> = {}): FlowText => ({
  nodes: {
    source: { role: 'source', stage: 'counter-source', config: '0 64' },
    middle: { role: 'processor', stage: 'flip-transform' },
    sink: { role: 'sink', stage: 'sum-sink' },
  },
  edges: ['source > middle', 'middle > sink'],
  ...more,
})

describe('spec flows 18, cancel', () => {
  it('of a running flow: Cancelled, no buffer left, without flush and complete', async () => {
    const { end, flow } = await runFlow(endless({ level: 'diagnostic' }), {
      onStep: (step) => (step === 300 ? { kind: 'cancel' } : undefined),
    })
    expect(end).toMatchObject({ state: 'cancelled', failure: null, leaked: 0, figures: { liveBuffers: 0 } })
    expect(flow.spans.some((span) => span.function === 'complete')).toBe(false)
    expect(flow.spans.filter((span) => span.function === 'teardown')).toHaveLength(2)
    expect(flow.states.slice(-3)).toEqual(['running', 'draining', 'cancelled'])
  })

  it('of a paused flow', async () => {
    let paused = 0
    const { end, flow } = await runFlow(endless(), {
      onStep: (step) => (step === 300 ? { kind: 'pause' } : undefined),
      onSleep: () => (++paused === 5 ? { kind: 'cancel' } : undefined),
    })
    expect(end).toMatchObject({ state: 'cancelled', figures: { paused: false, liveBuffers: 0 } })
    expect(flow.letters.some((letter) => letter.kind === 'figures' && letter.figures.paused)).toBe(true)
  })

  it('of an idle flow, and of one that is stuck, within 6.5 s', async () => {
    for (const [kind, rateLimit] of [
      ['idle', null],
      ['stuck', 0.001],
    ] as const) {
      const nodes: FlowText['nodes'] =
        kind === 'idle'
          ? { source: { role: 'source', stage: 'host' }, sink: { role: 'sink', stage: 'sum-sink' } }
          : {
              source: { role: 'source', stage: 'counter-source', config: '0 64' },
              sink: { role: 'sink', stage: 'sum-sink' },
            }
      let cancelledAt = 0
      const { end, flow } = await runFlow(
        { nodes, edges: [{ way: 'source > sink', rateLimit }] },
        {
          onSleep(_, running) {
            if (cancelledAt > 0) return undefined
            cancelledAt = running.time.now()
            return { kind: 'cancel' }
          },
        },
      )
      expect(end).toMatchObject({ state: 'cancelled', figures: { liveBuffers: 0 } })
      expect(flow.time.now() - cancelledAt).toBeLessThan(6_500)
      expect(end.figures.dropped).toBe(kind === 'idle' ? 0 : 64)
    }
  })

  it('asked again, drops what is still under way at once', async () => {
    const { end, flow } = await runFlow(
      {
        nodes: {
          source: { role: 'source', stage: 'counter-source', config: '0 64' },
          sink: { role: 'sink', stage: 'sum-sink' },
        },
        edges: [{ way: 'source > sink', rateLimit: 0.001 }],
        timeouts: { drainMs: 3_600_000 },
      },
      { onSleep: () => ({ kind: 'cancel' }) },
    )
    expect(end.state).toBe('cancelled')
    expect(flow.time.sleptMs).toBeLessThan(1_000)
  })

  it('the engine that stops lets what is under way finish', async () => {
    const { end } = await runFlow(endless(), {
      onStep: (step, flow) => {
        if (step === 300) flow.stopping = true
        return undefined
      },
    })
    expect(end.state).toBe('cancelled')
    expect(end.figures.delivered).toBe(end.figures.elements)
  })

  it('the first reason wins', async () => {
    const failing = endless()
    const nodes = {
      ...failing.nodes,
      middle: {
        role: 'processor',
        stage: 'faulty-processor',
        config: faulty('internal', { first: 5 }),
      } as const,
    }
    const { end } = await runFlow(
      { ...failing, nodes },
      {
        onLetter: (letter) =>
          letter.kind === 'state' && letter.state === 'draining' ? { kind: 'cancel' } : undefined,
      },
    )
    expect(end).toMatchObject({ state: 'failed', failure: { node: 'middle', sequence: 5 } })
  })
})

describe('spec flows 18, deadline', () => {
  it('fires under full load within 20 ms', async () => {
    let overMs = Number.POSITIVE_INFINITY
    // Another process may hold the core at that moment: the best of a few counts.
    for (let attempt = 0; attempt < 5 && overMs > 20; attempt += 1) {
      const { end } = await runFlow(endless({ timeouts: { deadlineMs: 300 } }))
      expect(end.state).toBe('failed')
      expect(end.failure?.error.code).toBe('flow.deadline')
      expect(end.failure?.error.message).toMatch(
        /^Flow "test" passed its deadline of 0\.3 s \(ran \d+\.\d\d s\)\.$/,
      )
      expect(end.figures.elements).toBeGreaterThan(1_000)
      overMs = Number(end.failure?.error.details?.['ranMs']) - 300
      expect(overMs).toBeGreaterThanOrEqual(0)
    }
    expect(overMs).toBeLessThanOrEqual(20)
  })

  it('fires in a flow that sleeps', async () => {
    const { end, flow } = await runFlow({
      nodes: { source: { role: 'source', stage: 'host' }, sink: { role: 'sink', stage: 'sum-sink' } },
      edges: ['source > sink'],
      timeouts: { deadlineMs: 30_000 },
    })
    expect(end.failure?.error.code).toBe('flow.deadline')
    expect(flow.time.sleptMs).toBeLessThan(30_020)
  })

  it('deadline-ns falls between calls and is 0 without any limit', async () => {
    const told = async (deadlineMs: number, callMs: number): Promise<bigint[]> => {
      const { flow } = await runFlow({
        traceId: '',
        nodes: {
          source: { role: 'source', stage: 'counter-source', config: '20 4' },
          teller: { role: 'processor', stage: 'misbehaving', config: '21', callMs },
          sink: { role: 'sink', stage: 'host' },
        },
        edges: ['source > teller', 'teller > sink'],
        timeouts: { deadlineMs },
      })
      // Trace id, span id, flow id, deadline, content type.
      return flow.given('sink').map((bytes) => bytes.readBigUInt64LE('flow/1'.length))
    }
    const flowLeft = await told(10_000, 60_000)
    expect(flowLeft).toHaveLength(20)
    for (const [place, left] of flowLeft.entries()) {
      expect(left > 0n && left < 10_000_000_000n).toBe(true)
      if (place > 0) expect(left < (flowLeft[place - 1] ?? 0n)).toBe(true)
    }
    for (const left of await told(0, 1_000)) expect(left > 900_000_000n && left <= 1_000_000_000n).toBe(true)
    expect(new Set(await told(0, 0))).toEqual(new Set([0n]))
  })
})

describe('pause, resume, level while a flow runs', () => {
  it('a paused flow calls nothing until it is resumed', async () => {
    let asleep = 0
    const invocations: number[] = []
    const { end } = await runFlow(endless({ elementLimit: 1_000 }), {
      onStep: (step) => (step === 300 ? { kind: 'pause' } : undefined),
      onSleep(_, flow) {
        if (flow.figures?.paused === true) invocations.push(flow.figures.nodes[0]?.invocations ?? 0)
        return ++asleep === 8 ? { kind: 'resume' } : undefined
      },
    })
    expect(end).toMatchObject({ state: 'completed', figures: { elements: 1_000, delivered: 1_000 } })
    expect(new Set(invocations).size).toBeLessThanOrEqual(1)
  })

  it('spec flows 18, metrics: a change of level takes effect with the next call', async () => {
    const switched = await runFlow(endless({ level: 'off', elementLimit: 300 }), {
      onStep: (step) => (step === 450 ? { kind: 'level', level: 'diagnostic', traceRate: 1 } : undefined),
    })
    expect(switched.end.figures.latencyNs).not.toBeNull()
    const pulls = switched.flow.spans.filter((span) => span.function === 'pull')
    expect(pulls.length).toBeGreaterThan(100)
    expect(pulls.length).toBeLessThan(200)
    expect(pulls[0]?.copies).toEqual([{ kind: 'write', bytes: 64 }])
    expect(switched.flow.spans[0]?.span).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('spec flows 18, metrics and trace', () => {
  it('in = out + dropped for each stage of one to one', async () => {
    const ended = await runFlow({
      nodes: {
        source: { role: 'source', stage: 'faulty-source', config: '4000000000 0 0 500' },
        middle: {
          role: 'processor',
          stage: 'faulty-processor',
          config: faulty('internal', { first: 100, times: 50 }),
          errorPolicy: { base: { kind: 'skip' }, perCase: {}, deadLetter: null, maxErrorsPerMinute: null },
        },
        filter: { role: 'filter', stage: 'even-filter' },
        sink: { role: 'sink', stage: 'faulty-sink', config: sound },
      },
      edges: [
        'source > middle',
        'middle > filter',
        { way: 'filter > sink', capacity: 4, policy: 'drop-oldest', rateLimit: 10 },
      ],
      timeouts: { drainMs: 60_000 },
    })
    for (const name of ['middle', 'filter', 'sink']) {
      const { elementsIn, elementsOut, dropped } = nodeOf(ended, name)
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      expect(elementsIn).toBe(elementsOut + lost)
      expect(elementsIn).toBeGreaterThan(0)
    }
    expect(nodeOf(ended, 'middle').dropped).toEqual({ error: 50 })
    expect(ended.end.figures.elements).toBe(500)
  })

  it('trace and span ids have 32 and 16 digits, the first is the same in all stages, both are empty when off', async () => {
    const ids = async (level: 'off' | 'production', trace: string): Promise<string[]> => {
      const { flow } = await runFlow({
        level,
        traceId: trace,
        nodes: {
          source: { role: 'source', stage: 'counter-source', config: '10 4' },
          teller: { role: 'processor', stage: 'misbehaving', config: '21' },
          sink: { role: 'sink', stage: 'host' },
        },
        edges: ['source > teller', 'teller > sink'],
      })
      return flow.texts('sink').map((text) => text.slice(0, text.indexOf('flow/1')))
    }
    const on = await ids('production', traceId)
    expect(on.every((text) => text.startsWith(traceId) && /^[0-9a-f]{48}$/.test(text))).toBe(true)
    expect(new Set(on).size).toBe(10)
    expect(new Set(await ids('off', traceId))).toEqual(new Set(['']))
    expect(new Set(await ids('production', ''))).toEqual(new Set(['']))
  })

  it('samples at the rate, every call of an element, its parent the call before', async () => {
    const sampled = () => runFlow(endless({ elementLimit: 1_000, traceRate: 0.01 }))
    let { flow, end } = await sampled()
    // An element that waited 10 ms for a busy machine is rightly traced besides.
    while ((end.figures.latencyNs?.max ?? 0) > 10_000_000) ({ flow, end } = await sampled())
    const calls = flow.spans.filter(({ function: name }) => /pull|process|push/.test(name))
    expect(calls.map((span) => span.function)).toEqual(
      Array.from({ length: 10 }, () => ['pull', 'process', 'push']).flat(),
    )
    const [pull, process, push] = calls
    expect(process?.parent).toBe(pull?.span)
    expect(push?.parent).toBe(process?.span)
    expect(pull?.buffer).toMatchObject({ capacity: 256, size: 64 })
    expect(pull?.parent?.slice(8)).toBe('00000000')
  })

  it('an error promotes the flow: the last calls before it come along', async () => {
    const text = endless({ elementLimit: 100 })
    const nodes = {
      ...text.nodes,
      middle: {
        role: 'processor',
        stage: 'faulty-processor',
        config: faulty('internal', { first: 40 }),
        errorPolicy: { base: { kind: 'skip' }, perCase: {}, deadLetter: null, maxErrorsPerMinute: null },
      } as const,
    }
    const { flow } = await runFlow({ ...text, nodes })
    const failed = flow.spans.findIndex((span) => span.outcome === 'error')
    expect(failed).toBe(63)
    expect(flow.spans[failed]).toMatchObject({ node: 'middle', function: 'process', sequence: 40 })
    expect(flow.spans.length).toBeGreaterThan(100)
    expect((await runFlow(endless({ elementLimit: 100 }))).flow.spans).toEqual([])
  })

  it('figures come at most four times a second and last of all at the end', async () => {
    const { flow, end } = await runFlow({
      ...endless({ elementLimit: 60 }),
      edges: ['source > middle', { way: 'middle > sink', rateLimit: 10, capacity: 2 }],
    })
    const figures = flow.letters.filter((letter) => letter.kind === 'figures')
    expect(figures.length).toBeGreaterThan(15)
    expect(figures.length).toBeLessThanOrEqual(26)
    expect(figures.at(-1)).toEqual({ kind: 'figures', figures: end.figures })
  })
})
