import { describe, expect, test } from 'vitest'
import { read, textOf, type Parts } from '../../../../test/support/flow-texts.ts'
import { checkFlowFile } from './check-file.ts'
import type { FlowDefinition } from './model.ts'

const runtime = ({ settings }: FlowDefinition) => settings.runtime
const observability = ({ settings }: FlowDefinition) => settings.observability
const source = ({ nodes }: FlowDefinition) => nodes[0]!
const edge = ({ edges }: FlowDefinition) => edges[0]!
const retry = { kind: 'retry', max: 3, backoffMs: 100, factor: 2, maxBackoffMs: 5_000, then: 'fail-fast' }

interface Row {
  readonly key: string
  /** Where the table or line stands. */
  readonly part: keyof Parts
  readonly table?: string
  readonly of: (flow: FlowDefinition) => unknown
  readonly default: unknown
  readonly set: string
  readonly value: unknown
  readonly bad: readonly string[]
}

const row = (
  part: Row['part'],
  key: string,
  of: Row['of'],
  defaultValue: unknown,
  [set, value]: readonly [string, unknown],
  ...bad: string[]
): Row => ({ part, key, of, default: defaultValue, set, value, bad })

/** A key of a table at the end of the file. */
const within = (
  table: string,
  ...rest: Parameters<typeof row> extends [unknown, ...infer R] ? R : never
): Row => ({
  ...row('end', ...rest),
  table,
})

const policyOf = (flow: FlowDefinition) => source(flow).errorPolicy

const rows: readonly Row[] = [
  row('flow', 'description', (flow) => flow.description, '', ['"Two stages"', 'Two stages'], '5'),
  row('flow', 'default_queue_depth', (flow) => edge(flow).capacity, 64, ['3', 3], '0', '-1', '1.5', '"7"', '1048577'),
  row('flow', 'scheduling_policy', (flow) => flow.schedulingPolicy, 'weighted-fair', ['"round-robin"', 'round-robin'], '"fair"', '1'),
  row('flow', 'backpressure.backpressure_policy', (flow) => edge(flow).policy, 'block-producer', ['"error"', 'error'], '"wait"'),
  row('flow', 'backpressure.default_queue_depth', (flow) => edge(flow).capacity, 64, ['9', 9], '0'),
  row('flow', 'priority', (flow) => flow.priority, 'normal', ['"background"', 'background'], '"urgent"', '3'),
  row('flow', 'error_policy', (flow) => policyOf(flow).base, { kind: 'fail-fast' }, ['{ kind = "skip" }', { kind: 'skip' }], '"skip"', '{ kind = "ignore" }', '{}'),
  row('flow', 'timeouts.deadline_ms', (flow) => flow.timeouts.deadlineMs, 0, ['9', 9], '-1', '"1s"'),
  row('flow', 'timeouts.call_ms', (flow) => source(flow).callMs, 5_000, ['9', 9], '0'),
  row('flow', 'timeouts.drain_ms', (flow) => flow.timeouts.drainMs, 5_000, ['9', 9], '-1'),
  row('flow', 'timeouts.cancel_ms', (flow) => flow.timeouts.cancelMs, 1_000, ['9', 9], 'true'),
  row('flow', 'timeouts.init_ms', (flow) => flow.timeouts.initMs, 5_000, ['9', 9], '0'),
  row('flow', 'timeouts.teardown_ms', (flow) => flow.timeouts.teardownMs, 2_000, ['9', 9], '2147483648'),
  row('flow', 'timeouts.shutdown_ms', (flow) => flow.timeouts.shutdownMs, 30_000, ['9', 9], '[]'),
  row('flow', 'restart.mode', (flow) => flow.restart.mode, 'never', ['"on-trap"', 'on-trap'], '"always"'),
  row('flow', 'restart.max', (flow) => flow.restart.max, 3, ['0', 0], '-1'),
  row('flow', 'restart.window_s', (flow) => flow.restart.windowMs, 300_000, ['60', 60_000], '0'),
  row('source', 'config', (flow) => source(flow).config, '', ["'{\"count\": 5}'", '{"count": 5}'], '5'),
  row('source', 'fuel_budget', (flow) => source(flow).fuel, 1_000_000, ['0', 0], '-1', '1.0', '"many"'),
  row('source', 'max_memory', (flow) => source(flow).memoryBytes, null, ['"64k"', 65_536], '"63KiB"', '"5 GiB"', '"16 MB"', '"lots"', 'true'),
  row('source', 'priority', (flow) => source(flow).priority, 5, ['10', 10], '0', '11'),
  row('source', 'max_buffers', (flow) => source(flow).bufferBytes, 67_108_864, ['"1 MiB"', 1_048_576], '"1B"', '"x"'),
  row('source', 'error_policy', (flow) => policyOf(flow).base, { kind: 'fail-fast' }, ['{ kind = "retry" }', retry], '{ kind = "retry", max = 0 }', '{ kind = "skip", max = 3 }', '{ kind = "retry", then = "retry" }', '{ kind = "retry", factor = 0.5 }', '{ kind = "dead-letter", path = "../x" }', '{ kind = "dead-letter", path = "/etc/x" }', '{ kind = "skip", path = "x" }', '{ kind = "skip", max_errors = 0 }'),
  row('source', 'error_policy.per_case', (flow) => policyOf(flow).perCase, {}, ['{ invalid-input = "skip" }\nerror_policy.kind = "fail-fast"', { 'invalid-input': 'skip' }], '{ internal = "retry" }\nerror_policy.kind = "skip"', '{ fatal = "skip" }\nerror_policy.kind = "skip"'),
  row('source', 'call_ms', (flow) => source(flow).callMs, 5_000, ['9', 9], '0'),
  row('source', 'circuit', (flow) => source(flow).circuit, null, ['{}', { failures: 5, openMs: 1_000, maxOpenMs: 30_000, onOpen: 'hold' }], 'true', '{ failures = 0 }', '{ on_open = "wait" }', '{ open_ms = 100, max_open_ms = 10 }'),
  row('source', 'ports', (flow) => source(flow).ports, null, ['["a", "b"]', ['a', 'b']], '"a"', '[""]', '[1]'),
  row('source', 'pause_probe_ms', (flow) => source(flow).pauseProbeMs, [10, 1_000], ['[1, 2]', [1, 2]], '[2, 1]', '[1]', '10', '[0, 5]'),
  row('source', 'fan_out', (flow) => source(flow).fanOut, 'together', ['"independent"', 'independent'], '"free"'),
  row('edge', 'queue_depth', (flow) => edge(flow).capacity, 64, ['1', 1], '0', '"1"'),
  row('edge', 'backpressure.backpressure_policy', (flow) => edge(flow).policy, 'block-producer', ['"block"', 'block-producer'], '"drop"'),
  row('edge', 'low_watermark_ratio', (flow) => edge(flow).lowWatermarkRatio, 0.5, ['0', 0], '1', '-0.1', '"half"', 'nan'),
  row('edge', 'rate_limit', (flow) => edge(flow).rateLimit, null, ['0.5', 0.5], '0', 'inf'),
  within('runtime', 'worker_threads', (flow) => runtime(flow).workerThreads, 0, ['8', 8], '-1'),
  within('runtime', 'max_memory_per_component', (flow) => source(flow).memoryBytes, null, ['"32MiB"', 33_554_432], '"much"'),
  within('runtime', 'default_fuel_per_invocation', (flow) => source(flow).fuel, 1_000_000, ['7', 7], '0'),
  within('runtime', 'compilation_cache_dir', (flow) => runtime(flow).compilationCacheDir, '.torvyn/cache', ['"x"', 'x'], '1'),
  within('runtime.scheduling', 'policy', (flow) => flow.schedulingPolicy, 'weighted-fair', ['"priority"', 'priority'], '"random"'),
  within('runtime.scheduling', 'default_priority', (flow) => source(flow).priority, 5, ['1', 1], '0', '11'),
  within('runtime.backpressure', 'default_queue_depth', (flow) => edge(flow).capacity, 64, ['4', 4], '0'),
  within('runtime.backpressure', 'backpressure_policy', (flow) => edge(flow).policy, 'block-producer', ['"error"', 'error'], '"x"'),
  within('observability', 'tracing_enabled', (flow) => observability(flow).tracingEnabled, true, ['false', false], '"no"'),
  within('observability', 'tracing_exporter', (flow) => observability(flow).tracingExporter, 'stdout', ['"otlp-http"', 'otlp-http'], '"file"'),
  within('observability', 'tracing_endpoint', (flow) => observability(flow).tracingEndpoint, '', ['"http://x"', 'http://x'], '1'),
  within('observability', 'tracing_sample_rate', (flow) => observability(flow).tracingSampleRate, 0.01, ['1', 1], '1.1', '-1'),
  within('observability', 'metrics_enabled', (flow) => observability(flow).metricsEnabled, true, ['false', false], '0'),
  within('observability', 'metrics_exporter', (flow) => observability(flow).metricsExporter, 'none', ['"prometheus"', 'prometheus'], '"file"'),
  within('observability', 'metrics_endpoint', (flow) => observability(flow).metricsEndpoint, '', ['"x:1"', 'x:1'], '[]'),
  within('observability', 'level', (flow) => observability(flow).level, 'production', ['"diagnostic"', 'diagnostic'], '"debug"'),
  within('security', 'default_capability_policy', (flow) => flow.settings.security.defaultPolicy, 'deny-all', ['"allow-all"', 'allow-all'], '"ask"'),
  within('security.grants.read', 'capabilities', (flow) => source(flow).grants, [], ['["wasi-clocks", "filesystem:read:/data/*", "network:egress:db.example.com:5432"]', ['wasi-clocks', 'filesystem:read:/data/*', 'network:egress:db.example.com:5432']], '"wasi-clocks"', '["wasi-clock"]', '["filesystem:erase:/"]', '[1]'),
] // prettier-ignore

function withLine({ part, table, key }: Row, value: string): Parts {
  return { [part]: `${table === undefined ? '' : `[${table}]\n`}${key} = ${value}\n` }
}

describe('spec flows 18 flow file: every key has a default, can be set, and refuses bad values', () => {
  for (const each of rows) {
    test(`${each.part} ${each.table === undefined ? '' : `${each.table}.`}${each.key}`, () => {
      expect(each.of(read({}))).toEqual(each.default)
      expect(each.of(read(withLine(each, each.set)))).toEqual(each.value)
      for (const bad of each.bad) {
        const { problems, flows } = checkFlowFile('/flows/pipeline.toml', textOf(withLine(each, bad)))
        const faults = problems.filter(({ severity }) => severity === 'error')
        expect(faults, bad).not.toEqual([])
        expect(flows, bad).toEqual([])
        for (const { code, line } of faults) {
          expect(['E0702', 'E0703']).toContain(code)
          expect(line, bad).toBeGreaterThan(0)
        }
      }
    })
  }
})
