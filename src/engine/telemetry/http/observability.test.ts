import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { failureOf } from '../../../../test/support/failure.ts'
import { defaultOperator } from '../../../shared/domain/operator/operator.ts'
import { MetricRegistry } from '../metrics/metric-registry.ts'
import { healthReport, isReady, type HealthInput, type ModuleHealth } from './health.ts'
import { Observability } from './observability.ts'

const now = 1_700_000_000_000

function module(state: string, change: Partial<ModuleHealth> = {}): ModuleHealth {
  const error = { code: 'sandbox.trap' as const, message: '', remedy: '' }
  const status = {
    state,
    since: now - 10_000,
    error,
    attempt: 1,
    nextAt: now,
  } as ModuleHealth['view']['status']
  const subscriptions = [{ kind: 'block' as const, chainId: '1', backfill: true }]
  return {
    view: { name: 'watch', status, subscriptions },
    lastEventAt: now - 5_500,
    requiredChains: ['1'],
    ...change,
  }
}

function chain(
  status: 'idle' | 'live' | 'down',
  health: 'serving' | 'failing' = 'serving',
): HealthInput['chains'][number] {
  return {
    config: { chainId: '1' },
    status,
    head: { number: 9, hash: '0x', timestamp: 0, receivedAt: 0 },
    endpoints: [{ health }],
  } as HealthInput['chains'][number]
}

function input(change: Partial<HealthInput> = {}): HealthInput {
  return {
    now,
    uptimeSeconds: 12.7,
    staleAfterMs: 60_000,
    modules: [module('running')],
    chains: [chain('live')],
    blocksBehind: () => 2,
    ...change,
  }
}

describe('spec nexum-host 18 row 74: health', () => {
  it('tells modules and chains', () => {
    expect(healthReport(input())).toEqual({
      status: 'healthy',
      uptime_seconds: 12,
      modules: { watch: { state: 'running', last_event_age_seconds: 5 } },
      chains: { '1': { connected: true, head_block: 9, blocks_behind: 2 } },
    })
    expect(isReady(input())).toBe(true)
  })

  it.each<[string, Partial<HealthInput>, boolean]>([
    ['a dead module', { modules: [module('running'), module('dead')] }, true],
    ['a lost required chain', { chains: [chain('down')] }, false],
    ['a required chain without an endpoint', { chains: [] }, false],
    ['an idle chain whose endpoint fails', { chains: [chain('idle', 'failing')] }, false],
  ])('is unhealthy with %s', (_what, change, ready) => {
    expect(healthReport(input(change)).status).toBe('unhealthy')
    expect(isReady(input(change))).toBe(ready)
  })

  it('is unhealthy when a module waits for blocks in vain, and healthy again with the next', () => {
    const since = { ...module('running').view, status: { state: 'running' as const, since: now - 70_000 } }
    const stale = module('running', { view: since, lastEventAt: now - 60_001 })
    expect(healthReport(input({ modules: [stale] })).status).toBe('unhealthy')
    expect(
      healthReport(input({ modules: [module('running', { view: since, lastEventAt: null })] })).status,
    ).toBe('unhealthy')
    expect(healthReport(input({ modules: [{ ...stale, lastEventAt: now - 59_999 }] })).status).toBe('healthy')
    const ticks = { ...since, subscriptions: [{ kind: 'cron' as const, schedule: '* * * * *' }] }
    expect(healthReport(input({ modules: [{ ...stale, view: ticks }] })).status).toBe('healthy')
  })

  it('does not miss the chain of a module that the operator stopped', () => {
    expect(healthReport(input({ modules: [module('stopped')], chains: [] })).status).toBe('healthy')
    expect(isReady(input({ modules: [module('stopped')] }))).toBe(false)
  })
})

describe('listeners', () => {
  let state = input()
  const observability = new Observability({
    metrics: new MetricRegistry({
      bounds: { isConfigured: () => true, isExtraMethod: () => false },
      figures: () => ({ uptimeSeconds: 3, modules: [] }),
    }),
    health: () => state,
  })
  afterEach(() => observability.close())
  const loopback = '127.0.0.1:0'

  async function ask(
    address: string | null,
    path: string,
    options: { method?: string; host?: string } = {},
  ): Promise<{ status: number | undefined; type: string | undefined; body: string }> {
    const [hostname, port] = (address ?? '').split(':')
    return new Promise((resolve, reject) => {
      const headers = options.host === undefined ? {} : { host: options.host }
      request({ hostname, port, path, method: options.method ?? 'GET', headers }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () =>
          resolve({ status: response.statusCode, type: response.headers['content-type'], body }),
        )
      })
        .on('error', reject)
        .end()
    })
  }

  it('are off unless asked for', async () => {
    expect(await observability.apply(defaultOperator)).toEqual({ metrics: null, health: null })
  })

  it('answer GET alone, and only under their own name', async () => {
    const { metrics } = await observability.apply({
      ...defaultOperator,
      metrics: { enabled: true, bindAddr: loopback, path: '/metrics' },
    })
    const good = await ask(metrics, '/metrics')
    expect(good).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' })
    expect(good.body).toContain('nexum_uptime_seconds 3\n')
    expect((await ask(metrics, '/metrics', { method: 'POST' })).status).toBe(405)
    expect((await ask(metrics, '/')).status).toBe(404)
    expect((await ask(metrics, '/health')).status).toBe(404)
    expect((await ask(metrics, '/metrics', { host: 'evil.example' })).status).toBe(403)
    expect((await ask(metrics, '/metrics', { host: 'localhost:1' })).status).toBe(200)
  })

  it('goes from 200 to 503 and back', async () => {
    const { health } = await observability.apply({
      ...defaultOperator,
      health: { listen: loopback, staleEventThresholdMs: 60_000 },
    })
    expect(await ask(health, '/health')).toMatchObject({ status: 200, type: 'application/json' })
    expect((await ask(health, '/ready')).status).toBe(200)
    state = input({ modules: [module('dead')] })
    const bad = await ask(health, '/health')
    expect(bad.status).toBe(503)
    expect(JSON.parse(bad.body)).toMatchObject({ status: 'unhealthy', modules: { watch: { state: 'dead' } } })
    expect((await ask(health, '/ready')).status).toBe(503)
    state = input()
    expect((await ask(health, '/health')).status).toBe(200)
  })

  it('says when an address cannot be had', async () => {
    const { metrics } = await observability.apply({
      ...defaultOperator,
      metrics: { enabled: true, bindAddr: loopback, path: '/metrics' },
    })
    const other = new Observability({
      metrics: new MetricRegistry({
        bounds: { isConfigured: () => true, isExtraMethod: () => false },
        figures: () => ({ uptimeSeconds: 3, modules: [] }),
      }),
      health: () => state,
    })
    const failed = await other
      .apply({ ...defaultOperator, metrics: { enabled: true, bindAddr: metrics ?? '', path: '/m' } })
      .then(
        () => undefined,
        (error: unknown) =>
          failureOf(() => {
            throw error
          }),
      )
    expect(failed?.code).toBe('settings.invalid')
    await other.close()
  })
})
