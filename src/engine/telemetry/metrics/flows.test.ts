import { describe, expect, it } from 'vitest'
import { emptyFigures } from '../../flows/figures/empty-figures.ts'
import type { FlowFigure } from './flows.ts'
import { MetricRegistry } from './metric-registry.ts'

async function scrape(read: () => readonly FlowFigure[], times = 1): Promise<string[]> {
  const metrics = new MetricRegistry({
    bounds: { isConfigured: () => true, isExtraMethod: () => false },
    figures: () => ({ uptimeSeconds: 0, modules: [] }),
  })
  metrics.observeFlows(read)
  for (let before = 1; before < times; before += 1) await metrics.text()
  return (await metrics.text())
    .split('\n')
    .filter((line) => /^(flow|component|stream|pool|system)_/.test(line))
}

function figure(): FlowFigure {
  const empty = emptyFigures({ nodes: [], edges: [] }, 'running')
  return {
    flow: 'shop.main',
    state: 'running',
    rate: 250,
    figures: {
      ...empty,
      elements: 1_000,
      delivered: 900,
      latencyNs: { p50: 1_500, p90: 2_000, p99: 5_000, max: 1e6 },
      nodes: [
        {
          name: 'parse',
          state: 'circuit-open',
          invocations: 1_000,
          elementsIn: 1_000,
          elementsOut: 900,
          errors: { 'invalid-input': 60 },
          dropped: { stage: 40, error: 60 },
          callNs: { p50: 500, p99: 900, max: 2_000 },
          busyNs: 2e9,
          fuel: 77,
          memoryBytes: 65_536,
          ownedBytes: 256,
          copies: 2_000,
          copyBytes: 128_000,
          restarts: 1,
        },
      ],
      edges: [
        {
          edge: 0,
          transferred: 1_000,
          depth: 3,
          peakDepth: 64,
          pressed: true,
          pressures: 2,
          pressedNs: 5e8,
          dropped: 0,
        },
      ],
    },
  }
}

describe('spec flows 11: figures of flows', () => {
  it('tells flow, components, edges and pool, the same at each scrape', async () => {
    const lines = await scrape(() => [figure()], 2)
    for (const line of [
      'flow_elements_total{flow="shop.main"} 1000',
      'flow_latency_seconds{flow="shop.main",quantile="0.99"} 0.000005',
      'flow_throughput{flow="shop.main"} 250',
      'flow_state{flow="shop.main",state="running"} 1',
      'flow_state{flow="shop.main",state="failed"} 0',
      'component_errors_total{flow="shop.main",node="parse",case="invalid-input"} 60',
      'component_dropped_total{flow="shop.main",node="parse",reason="stage"} 40',
      'component_processing_time_seconds_total{flow="shop.main",node="parse"} 2',
      'component_restarts_total{flow="shop.main",node="parse"} 1',
      'component_circuit_state{flow="shop.main",node="parse"} 1',
      'stream_queue_current_depth{flow="shop.main",edge="0"} 3',
      'stream_backpressure_duration_seconds_total{flow="shop.main",edge="0"} 0.5',
      'system_flows_active 1',
      'system_components_active 1',
    ])
      expect(lines).toContain(line)
  })

  it('forgets a flow that was removed', async () => {
    const left = [figure()]
    const lines = await scrape(() => left.splice(0), 3)
    expect(lines.filter((line) => line.includes('shop.main'))).toEqual([])
  })
})
