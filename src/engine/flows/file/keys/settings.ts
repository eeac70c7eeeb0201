/** `[runtime]`, `[observability]` and `[security]` of a flow file (spec flows 2). */
import { flowLevels, queuePolicies } from '../../../../shared/contracts/flow.ts'
import { readGrants, type GrantTable } from './grants.ts'
import type { KeyReader } from '../reading/key-reader.ts'
import { maxFuel, maxLinearBytes, maxQueueDepth, minLinearBytes } from './limits.ts'
import type { FlowSettings } from '../model.ts'

export const schedulingPolicies = ['round-robin', 'weighted-fair', 'priority'] as const
const tracingExporters = ['stdout', 'otlp-grpc', 'otlp-http', 'none'] as const
const metricsExporters = ['none', 'prometheus', 'otlp'] as const

/** Keys that `TORVYN_*` and the command line may set by name: `TORVYN_RUNTIME_WORKER_THREADS`. */
export const settingPaths: readonly (readonly string[])[] = [
  ['runtime', 'worker_threads'],
  ['runtime', 'max_memory_per_component'],
  ['runtime', 'default_fuel_per_invocation'],
  ['runtime', 'compilation_cache_dir'],
  ['runtime', 'scheduling', 'policy'],
  ['runtime', 'scheduling', 'default_priority'],
  ['runtime', 'backpressure', 'default_queue_depth'],
  ['runtime', 'backpressure', 'backpressure_policy'],
  ['observability', 'tracing_enabled'],
  ['observability', 'tracing_exporter'],
  ['observability', 'tracing_endpoint'],
  ['observability', 'tracing_sample_rate'],
  ['observability', 'metrics_enabled'],
  ['observability', 'metrics_exporter'],
  ['observability', 'metrics_endpoint'],
  ['observability', 'level'],
  ['security', 'default_capability_policy'],
]

export function readSettings(root: KeyReader): { settings: FlowSettings; grants: GrantTable } {
  const { security, grants } = readSecurity(root.child('security'))
  return {
    settings: {
      runtime: readRuntime(root.child('runtime')),
      observability: readObservability(root.child('observability')),
      security,
    },
    grants,
  }
}

function readRuntime(table: KeyReader): FlowSettings['runtime'] {
  const scheduling = table.child('scheduling')
  const backpressure = table.child('backpressure')
  const runtime = {
    workerThreads: table.integer('worker_threads', 0, 1_024) ?? 0,
    maxMemoryBytes: table.size('max_memory_per_component', minLinearBytes, maxLinearBytes) ?? null,
    fuelPerInvocation: table.integer('default_fuel_per_invocation', 1, maxFuel) ?? 1_000_000,
    compilationCacheDir: table.string('compilation_cache_dir') ?? '.torvyn/cache',
    schedulingPolicy: scheduling.choice('policy', schedulingPolicies) ?? 'weighted-fair',
    defaultPriority: scheduling.integer('default_priority', 1, 10) ?? 5,
    queueDepth: backpressure.integer('default_queue_depth', 1, maxQueueDepth) ?? 64,
    queuePolicy: readQueuePolicy(backpressure) ?? 'block-producer',
  }
  refuseFuelDialect(table)
  scheduling.finish()
  backpressure.finish()
  table.finish()
  return runtime
}

/** Documented upstream under another name; ignoring it would leave stages with fuel that nobody meant. */
function refuseFuelDialect(table: KeyReader): void {
  if (!table.has('fuel_per_invocation')) return
  table.raw('fuel_per_invocation')
  table.bad(
    'fuel_per_invocation',
    'a key of another dialect',
    'runtime.default_fuel_per_invocation',
    'Rename it to runtime.default_fuel_per_invocation.',
  )
}

/** `backpressure_policy`; "block" is another word for "block-producer". */
export function readQueuePolicy(table: KeyReader): (typeof queuePolicies)[number] | undefined {
  const policy = table.choice('backpressure_policy', [...queuePolicies, 'block'] as const)
  return policy === 'block' ? 'block-producer' : policy
}

function readObservability(table: KeyReader): FlowSettings['observability'] {
  const observability = {
    tracingEnabled: table.boolean('tracing_enabled') ?? true,
    tracingExporter: table.choice('tracing_exporter', tracingExporters) ?? 'stdout',
    tracingEndpoint: table.string('tracing_endpoint') ?? '',
    tracingSampleRate:
      table.number('tracing_sample_rate', 'a number from 0 to 1', (rate) => rate >= 0 && rate <= 1) ?? 0.01,
    metricsEnabled: table.boolean('metrics_enabled') ?? true,
    metricsExporter: table.choice('metrics_exporter', metricsExporters) ?? 'none',
    metricsEndpoint: table.string('metrics_endpoint') ?? '',
    level: table.choice('level', flowLevels) ?? 'production',
  }
  table.finish()
  return observability
}

function readSecurity(table: KeyReader): { security: FlowSettings['security']; grants: GrantTable } {
  const security = {
    defaultPolicy:
      table.choice('default_capability_policy', ['deny-all', 'allow-all'] as const) ?? 'deny-all',
  }
  const grants = readGrants(table.child('grants'))
  table.finish()
  return { security, grants }
}
