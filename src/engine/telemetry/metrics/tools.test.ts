import { expect, it } from 'vitest'
import { MetricRegistry } from './metric-registry.ts'

it('spec tools 9: tells calls, gates and threads of tools, the same at each scrape', async () => {
  const metrics = new MetricRegistry({
    bounds: { isConfigured: () => true, isExtraMethod: () => false },
    figures: () => ({ uptimeSeconds: 0, modules: [] }),
  })
  const results = new Map([
    ['ok', 5],
    ['guest', 2],
  ])
  metrics.observeTools(() => ({
    tools: [{ module: 'github', running: 3, queued: 4, results }],
    gates: [{ name: 'execute', inUse: 3, waiting: 1 }],
    processes: 2,
    threads: 6,
    idleThreads: 3,
    preparations: 7,
  }))
  await metrics.text()
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('tool_'))
  expect(lines.sort()).toEqual([
    'tool_calls_total{module="github",result="guest"} 2',
    'tool_calls_total{module="github",result="ok"} 5',
    'tool_gate_in_use{gate="execute"} 3',
    'tool_gate_waiting{gate="execute"} 1',
    'tool_idle_threads 3',
    'tool_preparations_total 7',
    'tool_processes 2',
    'tool_queued{module="github"} 4',
    'tool_running{module="github"} 3',
    'tool_threads 6',
  ])
})
