/** Counters and histograms that events of the engine move. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

const secondsBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 120]
const fuelBuckets = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]

export type Instruments = ReturnType<typeof createInstruments>

/** Makes every instrument in the registry, with names and labels of spec nexum-host 14.2. */
export function createInstruments(registry: Registry) {
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers })
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> => new Histogram({ name, help, labelNames, buckets, registers })
  const event = ['module', 'event_type'] as const
  const rpc = ['chain_id', 'method'] as const
  return {
    contentFetches: counter('nexum_content_fetch_total', 'Content fetched from a source.', ['scheme']),
    contentErrors: counter('nexum_content_fetch_errors', 'Fetches of content that failed.', ['scheme']),
    eventsDispatched: counter('nexum_events_dispatched_total', 'Events given to a module.', event),
    eventsProcessed: counter('nexum_events_processed_total', 'Events whose effects were committed.', event),
    eventsFailed: counter('nexum_events_failed_total', 'Events rolled back or failed.', event),
    eventsDropped: counter('nexum_events_dropped_total', 'Events that never reached their module.', [
      ...event,
      'reason',
    ]),
    eventSeconds: histogram('nexum_event_duration_seconds', 'Time in the guest.', event, secondsBuckets),
    fuel: histogram('nexum_fuel_consumed', 'Fuel of one event.', ['module'], fuelBuckets),
    rpcRequests: counter('nexum_rpc_requests_total', 'JSON-RPC calls.', rpc),
    rpcErrors: counter('nexum_rpc_errors_total', 'JSON-RPC calls that failed.', [...rpc, 'endpoint']),
    rpcSeconds: histogram('nexum_rpc_duration_seconds', 'Time of a JSON-RPC call.', rpc, secondsBuckets),
    rpcFallbacks: counter('nexum_rpc_fallbacks_total', 'Calls that went to another endpoint.', ['chain_id']),
    reconnects: counter('nexum_subscription_reconnects_total', 'Streams opened again.', ['chain_id']),
    blocksBehind: new Gauge({
      name: 'nexum_blocks_behind',
      help: 'Blocks between the newest head known and the last one delivered.',
      labelNames: ['chain_id'],
      registers,
    }),
    signatures: counter('nexum_identity_sign_total', 'Signatures made.', ['module', 'account']),
    signErrors: counter('nexum_identity_errors_total', 'Signatures refused or failed.', [
      'module',
      'error_code',
    ]),
    eventLatency: histogram(
      'shepherd_event_latency_seconds',
      'Alias of nexum_event_duration_seconds.',
      ['module', 'event_kind'],
      secondsBuckets,
    ),
    moduleErrors: counter('shepherd_module_errors_total', 'Failed events by the kind of error.', [
      'module',
      'error_kind',
    ]),
    chainRequests: counter('shepherd_chain_request_total', 'JSON-RPC calls by outcome.', [...rpc, 'outcome']),
    cowSubmits: counter('shepherd_cow_api_submit_total', 'Orders submitted.', ['chain_id', 'outcome']),
    streamReconnects: counter('shepherd_stream_reconnects_total', 'Streams opened again, by kind.', [
      'kind',
      'chain_id',
      'module',
    ]),
    dispatchDropped: counter('shepherd_dispatch_dropped_total', 'Alias of nexum_events_dropped_total.', [
      'module',
      'event_kind',
    ]),
    responsesCapped: counter('shepherd_chain_response_capped_total', 'Answers of nodes over the cap.', rpc),
  }
}
