import { describe, expect, it } from 'vitest'
import type { Dispatch } from '../../../shared/domain/module.ts'
import { MetricRegistry } from './metric-registry.ts'
import { deniedMethod } from './metrics-port.ts'
import type { ModuleFigure } from './observed.ts'

const module: ModuleFigure = {
  name: 'watch',
  isLoaded: true,
  isDead: false,
  isPoisoned: true,
  restarts: 3,
  consecutiveFailures: 2,
  stateBytes: 640,
  stateBytesLimit: 50,
  memoryBytes: 65_536,
}

function create(): MetricRegistry {
  return new MetricRegistry({
    bounds: { isConfigured: (id) => id === '1', isExtraMethod: (method) => method === 'trace_block' },
    figures: () => ({ uptimeSeconds: 12, modules: [module] }),
  })
}

function dispatched(change: Partial<Dispatch>): Dispatch {
  return {
    dispatch: 1,
    run: 1,
    startedAt: 0,
    eventType: 'block',
    chainId: '1',
    blockNumber: 7,
    result: 'committed',
    error: null,
    queuedMs: 0,
    durationMs: 20,
    fuel: 5_000,
    hostCalls: 0,
    writes: 0,
    ...change,
  }
}

async function lines(metrics: MetricRegistry): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

describe('spec nexum-host 18 row 73: metrics', () => {
  it('has every name of spec 14.2 with its labels, aliases too', async () => {
    const metrics = create()
    metrics.rpcRequest('1', 'eth_call', 'ok', 30, 'https://node.example')
    metrics.rpcRequest('1', 'eth_call', 'err', 30, 'https://node.example')
    metrics.rpcFallback('1')
    metrics.reconnect('1', 'blocks')
    metrics.reconnect('1', 'logs', 'watch')
    metrics.blocksBehind('1', 4)
    metrics.signature('watch', '0xAB')
    metrics.signError('watch', 'denied')
    metrics.cowSubmit('1', 'err')
    metrics.contentFetch('bzz', false)
    metrics.dropped('watch', 'logs', 'queue_full', 44)
    metrics.capped('1', 'eth_getLogs')
    metrics.dispatch('watch', dispatched({}))
    metrics.dispatch('watch', dispatched({ result: 'failed', error: null }))
    const denied = { code: 'guest.error', message: '', remedy: '', details: { kind: 'denied' } } as const
    metrics.dispatch('watch', dispatched({ result: 'rolled-back', error: denied }))
    const text = await lines(metrics)
    for (const line of [
      'nexum_modules_loaded 1',
      'nexum_modules_dead 0',
      'nexum_uptime_seconds 12',
      'nexum_content_fetch_total{scheme="bzz"} 1',
      'nexum_content_fetch_errors{scheme="bzz"} 1',
      'nexum_events_dispatched_total{module="watch",event_type="block"} 3',
      'nexum_events_processed_total{module="watch",event_type="block"} 1',
      'nexum_events_failed_total{module="watch",event_type="block"} 2',
      'nexum_events_dropped_total{module="watch",event_type="logs",reason="queue_full"} 44',
      'nexum_event_duration_seconds_bucket{le="0.05",module="watch",event_type="block"} 3',
      'nexum_event_duration_seconds_count{module="watch",event_type="block"} 3',
      'nexum_fuel_consumed_sum{module="watch"} 15000',
      'nexum_restarts_total{module="watch"} 3',
      'nexum_consecutive_failures{module="watch"} 2',
      'nexum_state_bytes_used{module="watch"} 640',
      'nexum_state_bytes_limit{module="watch"} 50',
      'nexum_memory_bytes_used{module="watch"} 65536',
      'nexum_rpc_requests_total{chain_id="1",method="eth_call"} 2',
      'nexum_rpc_errors_total{chain_id="1",method="eth_call",endpoint="https://node.example"} 1',
      'nexum_rpc_duration_seconds_count{chain_id="1",method="eth_call"} 2',
      'nexum_rpc_fallbacks_total{chain_id="1"} 1',
      'nexum_subscription_reconnects_total{chain_id="1"} 2',
      'nexum_blocks_behind{chain_id="1"} 4',
      'nexum_identity_sign_total{module="watch",account="0xab"} 1',
      'nexum_identity_errors_total{module="watch",error_code="denied"} 1',
      'shepherd_event_latency_seconds_count{module="watch",event_kind="block"} 3',
      'shepherd_module_errors_total{module="watch",error_kind="trap"} 1',
      'shepherd_module_errors_total{module="watch",error_kind="denied"} 1',
      'shepherd_module_restarts_total{module="watch"} 3',
      'shepherd_module_poisoned{module="watch"} 1',
      'shepherd_chain_request_total{chain_id="1",method="eth_call",outcome="ok"} 1',
      'shepherd_chain_request_total{chain_id="1",method="eth_call",outcome="err"} 1',
      'shepherd_cow_api_submit_total{chain_id="1",outcome="err"} 1',
      'shepherd_stream_reconnects_total{kind="blocks",chain_id="1"} 1',
      'shepherd_stream_reconnects_total{kind="logs",chain_id="1",module="watch"} 1',
      'shepherd_dispatch_dropped_total{module="watch",event_kind="logs"} 44',
      'shepherd_chain_response_capped_total{chain_id="1",method="eth_getLogs"} 1',
    ])
      expect(text).toContain(line)
  })

  it('bounds what guests choose: a thousand hostile chain ids and methods add one series', async () => {
    const metrics = create()
    for (let id = 2; id < 1_002; id += 1) metrics.rpcRequest(String(id), `evil_${id}`, 'err', 0, null)
    metrics.rpcRequest('1', 'trace_block', 'ok', 1, 'https://node.example')
    metrics.contentFetch('javascript', false)
    const text = await lines(metrics)
    expect(text.filter((line) => line.startsWith('nexum_rpc_requests_total'))).toEqual([
      `nexum_rpc_requests_total{chain_id="unconfigured",method="${deniedMethod}"} 1000`,
      'nexum_rpc_requests_total{chain_id="1",method="trace_block"} 1',
    ])
    expect(text).toContain('nexum_content_fetch_errors{scheme="other"} 1')
  })

  it('keeps a name of a module from breaking the text', async () => {
    const metrics = create()
    metrics.signature('a"} 1\nevil 1', '0x1')
    expect(await lines(metrics)).not.toContain('evil 1')
  })
})
