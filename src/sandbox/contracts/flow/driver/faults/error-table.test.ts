import { afterAll, describe, expect, it } from 'vitest'
import { faulty, sound, type FlowStageName } from '../../../../../../test/support/flow-stages.ts'
import {
  failFast,
  nodeOf,
  removeFlowFolders,
  runFlow,
  type EndedFlow,
  type FlowText,
  type NodeText,
} from '../../../../../../test/support/flows.ts'
import {
  stageErrorCases,
  type ErrorPolicy,
  type StageErrorCase,
} from '../../../../../shared/contracts/flow.ts'

afterAll(removeFlowFolders)

const policies = {
  'fail-fast': failFast,
  skip: { ...failFast, base: { kind: 'skip' } },
  log: { ...failFast, base: { kind: 'log' } },
  retry: {
    ...failFast,
    base: { kind: 'retry', max: 3, backoffMs: 100, factor: 2, maxBackoffMs: 5_000, then: 'skip' },
  },
} as const satisfies Record<string, ErrorPolicy>
type Policy = keyof typeof policies

const roles = ['source', 'processor', 'filter', 'aggregator', 'sink'] as const
type Role = (typeof roles)[number]

/** A flow of every role; the one in question fails at its second call. */
function flowWith(role: Role, kind: StageErrorCase, policy: Policy): FlowText {
  const node = (of: Role): NodeText => ({
    role: of,
    stage: `faulty-${of}` as FlowStageName,
    config: of === role ? faulty(kind, { first: 1 }) : sound,
    errorPolicy: of === role ? policies[policy] : failFast,
  })
  return {
    nodes: Object.fromEntries(roles.map((of) => [of, node(of)])),
    edges: ['source > processor', 'processor > filter', 'filter > aggregator', 'aggregator > sink'],
  }
}

interface Outcome {
  readonly state: 'completed' | 'failed'
  readonly delivered: number
  /** Calls of the node in question beyond one for each element. */
  readonly retries: number
  readonly dropped: number
}

/** Spec flows 9.2, line by line. The source has 4 elements. */
function expected(role: Role, kind: StageErrorCase, policy: Policy): Outcome {
  const isSource = role === 'source'
  if (kind === 'unavailable' && isSource) return { state: 'completed', delivered: 4, retries: 1, dropped: 0 }
  if (kind === 'fatal' || policy === 'fail-fast')
    return { state: 'failed', delivered: 1, retries: 0, dropped: isSource ? 0 : 1 }
  // Nothing is lost with a pull that gave nothing.
  if (isSource) return { state: 'completed', delivered: 4, retries: 1, dropped: 0 }
  if (policy === 'retry' && kind !== 'invalid-input')
    return { state: 'completed', delivered: 4, retries: 1, dropped: 0 }
  return { state: 'completed', delivered: 3, retries: 0, dropped: 1 }
}

function callsOf(role: Role, ended: EndedFlow): number {
  const node = nodeOf(ended, role)
  // One errorless end each: `none` of the source, `flush`, `complete`; and init, teardown.
  const ends = role === 'processor' || role === 'filter' ? 2 : 3
  return node.invocations - ends
}

const code = (kind: StageErrorCase): string =>
  kind === 'deadline-exceeded' ? 'stage.timeout' : 'stage.failed'

const table = roles.flatMap((role) =>
  stageErrorCases.flatMap((kind) =>
    (Object.keys(policies) as Policy[]).map((policy) => ({ role, kind, policy })),
  ),
)

describe('spec flows 18, error table: 5 cases, 4 policies, 5 roles', () => {
  it('has 100 rows', () => expect(table).toHaveLength(100))

  it.each(table)('$kind in a $role with $policy', async ({ role, kind, policy }) => {
    const ended = await runFlow(flowWith(role, kind, policy))
    const { end } = ended
    const { state, delivered, dropped, retries } = expected(role, kind, policy)
    expect(end.state).toBe(state)
    expect(end.figures.delivered).toBe(delivered)
    const node = nodeOf(ended, role)
    expect(node.dropped['error'] ?? 0).toBe(dropped)
    const counted = !(role === 'source' && kind === 'unavailable')
    expect(node.errors).toEqual(counted ? { [kind]: 1 } : {})
    expect(end.figures.liveBuffers).toBe(0)
    expect(end.leaked).toBe(0)
    if (state === 'failed') {
      expect(end.failure).toMatchObject({ node: role, case: kind, error: { code: code(kind) } })
      const where = role === 'source' ? 'in pull' : 'on element 1'
      const words = kind === 'deadline-exceeded' ? '' : ': as told'
      expect(end.failure?.error.message).toBe(`Stage "${role}" failed ${where}: ${kind}${words}`)
      return
    }
    expect(end.failure).toBeNull()
    expect(callsOf(role, ended)).toBe(4 + retries)
    if (policy === 'log' && counted)
      expect(ended.flow.letters).toContainEqual(
        expect.objectContaining({ kind: 'event', level: 'warn', event: 'component.error', node: role }),
      )
  })

  it.each(roles)('a trap of a %s fails the flow whatever the policy', async (role) => {
    for (const policy of ['fail-fast', 'skip'] as const) {
      const text = flowWith(role, 'internal', policy)
      const nodes = {
        ...text.nodes,
        [role]: { ...text.nodes[role], config: faulty('trap', { first: 1 }) } as NodeText,
      }
      const { end } = await runFlow({ ...text, nodes })
      expect(end.state).toBe('failed')
      expect(end.failure).toMatchObject({ node: role, case: 'fatal', error: { code: 'stage.trap' } })
      expect(end.failure?.error.message).toMatch(new RegExp(`^Stage "${role}" trapped in \\w+: `))
      expect(end.figures.liveBuffers).toBe(0)
    }
  })

  it('retries at most as often as told, with waits that double, and then does as told', async () => {
    const text = flowWith('processor', 'internal', 'retry')
    const nodes = {
      ...text.nodes,
      processor: {
        ...text.nodes['processor'],
        config: faulty('internal', { first: 1, times: 99 }),
      } as NodeText,
    }
    const slept: number[] = []
    const { end, flow } = await runFlow({ ...text, nodes }, { onSleep: (ms) => void slept.push(ms) })
    expect(end.figures.nodes.find(({ name }) => name === 'processor')).toMatchObject({
      errors: { internal: 3 * 4 },
      dropped: { error: 3 },
    })
    expect(flow.elapsedMs).toBeGreaterThanOrEqual(3 * (100 + 200 + 400))
    expect(flow.time.sleptMs).toBeLessThan(3 * (100 + 200 + 400) + 50)
  })

  it('retries a call that took too long once at most', async () => {
    const text = flowWith('processor', 'deadline-exceeded', 'retry')
    const nodes = {
      ...text.nodes,
      processor: {
        ...text.nodes['processor'],
        config: faulty('deadline-exceeded', { first: 1, times: 2 }),
      } as NodeText,
    }
    const { end } = await runFlow({ ...text, nodes })
    expect(end).toMatchObject({ state: 'completed', figures: { delivered: 3, errors: 2 } })
  })

  it('a case of its own goes before the policy of all', async () => {
    const text = flowWith('processor', 'invalid-input', 'fail-fast')
    const own = { ...failFast, perCase: { 'invalid-input': 'skip' } } as const
    const nodes = { ...text.nodes, processor: { ...text.nodes['processor'], errorPolicy: own } as NodeText }
    expect((await runFlow({ ...text, nodes })).end).toMatchObject({
      state: 'completed',
      figures: { delivered: 3 },
    })
  })

  it('too many errors in a minute fail the flow', async () => {
    const text = flowWith('processor', 'internal', 'skip')
    const nodes = {
      ...text.nodes,
      source: { ...text.nodes['source'], config: '4000000000 0 0 100' } as NodeText,
      processor: {
        ...text.nodes['processor'],
        config: faulty('internal', { times: 99 }),
        errorPolicy: { ...policies.skip, maxErrorsPerMinute: 9 },
      } as NodeText,
    }
    const { end } = await runFlow({ ...text, nodes })
    expect(end.failure?.error.code).toBe('flow.too_many_errors')
    expect(end.figures.elements).toBe(10)
  })
})
