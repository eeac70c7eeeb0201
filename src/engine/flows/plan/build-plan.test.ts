import { expect, test } from 'vitest'
import { read, type Parts } from '../../../../test/support/flow-texts.ts'
import { stageComponent, stageWorlds } from '../../../../test/support/stage-worlds.ts'
import { flowPlanSchema } from '../../../shared/contracts/flow.ts'
import type { FlowDefinition } from '../file/model.ts'
import { buildFlowPlan, type CompiledStage } from './build-plan.ts'
import { judgeFlow, stageLimits } from './judge-flow.ts'
import type { PlanOptions } from './model.ts'

const options: PlanOptions = { traceId: 'a'.repeat(32), directory: '/state/flows/main' }

function compiled(flow: FlowDefinition): Map<string, CompiledStage> {
  const worlds = { read: stageWorlds['source']!, write: stageWorlds['sink']! }
  return new Map(
    flow.nodes.flatMap(({ name, component }) => {
      const world = Object.entries(worlds).find(([node]) => node === name)?.[1]
      if (component.kind === 'host' || world === undefined) return []
      return [[name, { component: stageComponent(world), artifactDirectory: `/artifacts/${name}` }] as const]
    }),
  )
}

function planOf(parts: Parts, changes: Partial<PlanOptions> = {}) {
  const flow = read(parts)
  return buildFlowPlan(flow, compiled(flow), { ...options, ...changes })
}

test('a plan has every default of the specification and what the components are', () => {
  const { plan, problems } = planOf({})
  expect(problems).toEqual([])
  expect(flowPlanSchema.parse(plan)).toEqual({
    flow: 'main',
    traceId: 'a'.repeat(32),
    nodes: [
      {
        name: 'read',
        role: 'source',
        body: {
          kind: 'component',
          artifactDirectory: '/artifacts/read',
          exports: ['torvyn:streaming/source@0.1.0', 'torvyn:streaming/lifecycle@0.1.0'],
          imports: ['torvyn:streaming/types@0.1.0', 'torvyn:streaming/buffer-allocator@0.1.0'],
          grants: [],
        },
        config: '',
        fuel: 1_000_000,
        memoryBytes: 16_777_216,
        bufferBytes: 67_108_864,
        priority: 5,
        callMs: 5_000,
        errorPolicy: { base: { kind: 'fail-fast' }, perCase: {}, deadLetter: null, maxErrorsPerMinute: null },
        circuit: null,
        ports: null,
        pauseProbeMs: [10, 1_000],
        fanOut: 'together',
      },
      expect.objectContaining({ name: 'write', role: 'sink' }),
    ],
    edges: [
      {
        from: 'read',
        port: 'output',
        to: 'write',
        capacity: 64,
        policy: 'block-producer',
        lowWatermarkRatio: 0.5,
        rateLimit: null,
      },
    ],
    priority: 'normal',
    timeouts: { deadlineMs: 0, drainMs: 5_000, cancelMs: 1_000, initMs: 5_000, teardownMs: 2_000 },
    restart: { mode: 'never', max: 3, windowMs: 300_000 },
    level: 'production',
    traceRate: 0.01,
    elementLimit: null,
  })
})

test('what a run asks for wins over the file, and dead letters lie in the folder of the flow', () => {
  const { plan } = planOf(
    {
      sink: 'config = "a"\nerror_policy = { kind = "retry", then = "dead-letter", path = "lost/x.ndjson", max_errors = 9 }\n',
      end: '[observability]\ntracing_enabled = false\n',
    },
    { level: 'diagnostic', traceRate: 1, elementLimit: 5, configs: { write: 'b' } },
  )
  expect(plan).toMatchObject({
    level: 'diagnostic',
    traceRate: 1,
    traceId: options.traceId,
    elementLimit: 5,
    nodes: [
      {},
      {
        config: 'b',
        errorPolicy: {
          base: { kind: 'retry', then: 'dead-letter' },
          deadLetter: { path: '/state/flows/main/lost/x.ndjson', maxBytes: 67_108_864 },
          maxErrorsPerMinute: 9,
        },
      },
    ],
  })
  expect(planOf({ end: '[observability]\ntracing_enabled = false\n' }).plan).toMatchObject({
    traceId: '',
    traceRate: 0,
  })
  expect(planOf({}, { level: 'off' }).plan).toMatchObject({ traceId: '', traceRate: 0 })
})

test('there is no plan while anything is wrong, and a config for no node is told', () => {
  expect(planOf({}, { configs: { wrote: 'b' } })).toMatchObject({
    plan: null,
    problems: [{ code: 'E0703', message: 'There is no node "wrote" in flow "main" to configure.' }],
  })
  const flow = read({})
  const wrong = compiled(flow).set('write', {
    component: stageComponent(stageWorlds['filter']!),
    artifactDirectory: '/x',
  })
  expect(buildFlowPlan(flow, wrong, options)).toMatchObject({ plan: null, problems: [{ code: 'E0934' }] })
})

test('JavaScript stages get more memory and more parts unless the file says how much', () => {
  const limits = (parts: Parts, bytes: number) =>
    stageLimits(read(parts).nodes[0]!, stageComponent(stageWorlds['source']!, bytes))
  expect(limits({}, 6_000)).toMatchObject({
    memoryBytes: 16_777_216,
    parts: { coreInstances: 10 },
    tableElements: 10_000,
  })
  expect(limits({}, 1_640_000)).toMatchObject({ memoryBytes: 67_108_864, parts: { coreInstances: 32 } })
  expect(limits({ source: 'max_memory = "1MiB"\n' }, 1_640_000).memoryBytes).toBe(1_048_576)
})

test('spec flows 3.2 E0937: the largest buffer that was seen counts before the one declared', () => {
  const flow = read({ source: 'max_buffers = "16MiB"\n', edge: 'queue_depth = 100\n' })
  const messages = (largestBuffers: Record<string, number>): string[] =>
    judgeFlow(flow, new Map([...compiled(flow)].map(([name, { component }]) => [name, component])), {
      largestBuffers,
      processBytes: 1_048_576,
    }).problems.map(({ message }) => message)
  expect(messages({ read: 65_536 })).toEqual(['Full queues of flow "main" may hold 6.3 MiB.'])
  expect(messages({ read: 64 })).toEqual([])
})
