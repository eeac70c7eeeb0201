import { describe, expect, it } from 'vitest'
import { ActorFigures } from '../../contracts/actor/figures.ts'
import type { ActorsFigure } from './actors.ts'
import { MetricRegistry } from './metric-registry.ts'

async function scrape(read: () => readonly ActorsFigure[], times = 1): Promise<string[]> {
  const metrics = new MetricRegistry({
    bounds: { isConfigured: () => true, isExtraMethod: () => false },
    figures: () => ({ uptimeSeconds: 0, modules: [] }),
  })
  metrics.observeActors(read)
  for (let before = 1; before < times; before += 1) await metrics.text()
  return (await metrics.text()).split('\n').filter((line) => line.startsWith('actor_'))
}

describe('spec actors-sql 18: figures of actors', () => {
  it('tells every figure by module, the same at each scrape, and no actor', async () => {
    const counted = new ActorFigures()
    counted.count('request', 'ok', 3)
    counted.count('request', 'ok', 3)
    counted.count('inspect-sql', 'sqlite.statement_refused', 1)
    counted.count('request', 'actor.host_lost', 9)
    counted.refuse('attach')
    counted.drains = 4
    counted.drainTimeouts = 1
    counted.starts = 5
    counted.losses = 2
    const figure = { module: 'shop', awake: 3, queued: 7, processes: 2 }
    const lines = await scrape(() => [{ ...figure, figures: counted.view() }], 2)
    expect(lines.sort()).toEqual([
      'actor_awake{module="shop"} 3',
      'actor_drain_timeouts_total{module="shop"} 1',
      'actor_drains_total{module="shop"} 4',
      'actor_indeterminate_results_total{module="shop"} 1',
      'actor_losses_total{module="shop"} 2',
      'actor_processes{module="shop"} 2',
      'actor_queue_depth{module="shop"} 7',
      'actor_refusals_total{module="shop",rule="attach"} 1',
      'actor_requests_total{module="shop",operation="inspect-sql",result="sqlite.statement_refused"} 1',
      'actor_requests_total{module="shop",operation="request",result="actor.host_lost"} 1',
      'actor_requests_total{module="shop",operation="request",result="ok"} 2',
      'actor_starts_total{module="shop"} 5',
    ])
  })

  it('forgets a module that serves no actors any more', async () => {
    const figures = new ActorFigures().view()
    const left = [{ module: 'gone', awake: 1, queued: 0, processes: 1, figures }]
    const lines = await scrape(() => left.splice(0), 2)
    expect(lines).toEqual([])
  })
})
