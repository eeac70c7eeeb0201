import { describe, expect, test } from 'vitest'
import { read, textOf, type Parts } from '../../../../test/support/flow-texts.ts'
import { checkFlowFile } from './check-file.ts'
import type { CheckFileOptions, FlowDefinition } from './model.ts'

const runtime = ({ settings }: FlowDefinition) => settings.runtime
const observability = ({ settings }: FlowDefinition) => settings.observability
const source = ({ nodes }: FlowDefinition) => nodes[0]!
const edge = ({ edges }: FlowDefinition) => edges[0]!

describe('spec flows 2: precedence', () => {
  const at = (options: CheckFileOptions, parts: Parts = {}): number =>
    runtime(read(parts, options)).workerThreads
  const file: Parts = { end: '[runtime]\nworker_threads = 3\n' }
  const userFile = {
    path: '/home/config.toml',
    text: '[runtime]\nworker_threads = 2\n[runtime.backpressure]\ndefault_queue_depth = 5\n',
  }
  const environment = { TORVYN_RUNTIME_WORKER_THREADS: '4' }
  const overrides = { 'runtime.worker_threads': '5' }

  test('command line, environment, project, user, default', () => {
    expect(at({})).toBe(0)
    expect(at({ userFile })).toBe(2)
    expect(at({ userFile }, file)).toBe(3)
    expect(at({ userFile, environment }, file)).toBe(4)
    expect(at({ userFile, environment, overrides }, file)).toBe(5)
  })

  test('tables merge key by key: a layer that sets one key leaves the others', () => {
    expect(edge(read(file, { userFile })).capacity).toBe(5)
  })

  test('a queue: edge, flow, runtime, 64; a table with the policy alone leaves the depth', () => {
    const runtimeDepth = { end: '[runtime.backpressure]\ndefault_queue_depth = 7\n' }
    const onlyPolicy = { edge: 'backpressure = { backpressure_policy = "error" }\n' }
    expect(edge(read({})).capacity).toBe(64)
    expect(edge(read({ ...runtimeDepth, ...onlyPolicy })).capacity).toBe(7)
    expect(edge(read({ ...runtimeDepth, ...onlyPolicy, flow: 'default_queue_depth = 8\n' }))).toMatchObject({
      capacity: 8,
      policy: 'error',
    })
    expect(
      edge(read({ ...runtimeDepth, flow: 'default_queue_depth = 8\n', edge: 'queue_depth = 9\n' })).capacity,
    ).toBe(9)
  })

  test('every setting has its variable, and values are read by their keys', () => {
    const flow = read({}, {
      environment: {
        TORVYN_OBSERVABILITY_TRACING_SAMPLE_RATE: '0.5',
        TORVYN_OBSERVABILITY_TRACING_ENABLED: 'false',
        TORVYN_RUNTIME_MAX_MEMORY_PER_COMPONENT: '1MiB',
        TORVYN_RUNTIME_BACKPRESSURE_BACKPRESSURE_POLICY: 'error',
        TORVYN_LOG: 'debug',
      },
    }) // prettier-ignore
    expect(observability(flow)).toMatchObject({ tracingSampleRate: 0.5, tracingEnabled: false })
    expect(source(flow).memoryBytes).toBe(1_048_576)
    expect(edge(flow).policy).toBe('error')
  })

  test('a bad value names the variable, the command line or the file it came from', () => {
    const fileOf = (options: CheckFileOptions): unknown =>
      checkFlowFile('/flows/pipeline.toml', textOf({}), options).problems[0]
    expect(fileOf({ environment: { TORVYN_RUNTIME_WORKER_THREADS: 'many' } })).toMatchObject({
      code: 'E0703',
      file: 'the environment variable TORVYN_RUNTIME_WORKER_THREADS',
      line: null,
    })
    expect(fileOf({ overrides: { 'flow.main.nodes.read.priority': '12' } })).toMatchObject({
      code: 'E0703',
      file: 'the command line',
      node: 'read',
    })
    expect(fileOf({ overrides: { 'flow.main.description.x': '12' } })).toMatchObject({
      code: 'E0703',
      key: 'flow.main.description',
    })
    expect(
      fileOf({ userFile: { path: '/u.toml', text: '\n[runtime]\nworker_threads = "x"\n' } }),
    ).toMatchObject({ file: '/u.toml', line: 3 })
    expect(fileOf({ userFile: { path: '/u.toml', text: 'x =' } })).toMatchObject({
      file: '/u.toml',
      code: 'E0701',
    })
    expect(fileOf({ environment: { TORVYN_RUNTIME_WORKER_THREAD: '1' } })).toMatchObject({
      severity: 'warning',
      help: 'Did you mean TORVYN_RUNTIME_WORKER_THREADS?',
    })
  })

  test('unknown keys are warnings with a hint, and errors with strict', () => {
    const text = textOf({ edge: 'queue_dept = 5\n' })
    const [warned] = checkFlowFile('/flows/pipeline.toml', text).problems
    expect(warned).toMatchObject({
      code: 'E0702',
      severity: 'warning',
      help: 'Did you mean "queue_depth"?',
      line: 16,
    })
    expect(checkFlowFile('/flows/pipeline.toml', text).flows).toHaveLength(1)
    expect(checkFlowFile('/flows/pipeline.toml', text, { strict: true })).toMatchObject({
      flows: [],
      problems: [{ severity: 'error' }],
    })
  })
})

describe('spec flows 2: variables in texts', () => {
  const config = (text: string, flow: string): string =>
    source(read({ source: `config = ${text}\n`, flow }, { environment: { HOME: '/home/a', EMPTY: '' } }))
      .config

  test('names that the flow may read are replaced; unclosed and empty ones stay', () => {
    expect(config('"a${HOME}b${EMPTY}c"', 'env_allow = ["HOME", "EMPTY"]')).toBe('a/home/abc')
    expect(config('"a${HOME"', '')).toBe('a${HOME')
    expect(config('"${}"', '')).toBe('${}')
  })

  test('a console is shown the text of the file, not what stands for it', () => {
    const text = textOf({ source: 'config = "${HOME}"\n', flow: 'env_allow = ["HOME"]\n' })
    const { graphs, flows } = checkFlowFile('/flows/pipeline.toml', text, { environment: { HOME: 'secret' } })
    expect(flows[0]?.nodes[0]?.config).toBe('secret')
    expect(JSON.stringify(graphs)).not.toContain('secret')
    const bad = checkFlowFile('/flows/pipeline.toml', text.replace('config =', 'max_memory ='), {
      environment: { HOME: 'secret' },
    })
    expect(JSON.stringify(bad.problems)).not.toContain('secret')
  })
})
