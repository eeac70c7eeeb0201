import { afterEach, describe, expect, it } from 'vitest'
import type { FlowView } from '../../../src/shared/domain/flow.ts'
import type { PaddockError } from '../../../src/shared/errors.ts'
import { closeEngines, startEngine, type TestEngine } from '../../support/engine.ts'
import { flowFolder, type FlowText } from '../../support/flow-folder.ts'
import { until } from '../../support/until.ts'
import { deeds } from '../../fixtures/stages/misbehaving.ts'

afterEach(closeEngines)

const endless: FlowText = {
  nodes: {
    source: { component: 'counter-source', config: '0 64' },
    flip: { component: 'flip-transform' },
    sink: { component: 'sum-sink' },
  },
  edges: ['source -> flip', 'flip -> sink'],
}

/** A stage that never returns, without fuel that would end it. */
function stuck(callMs: number, more: string): FlowText {
  return {
    flow: `timeouts = { cancel_ms = 400, drain_ms = 500, teardown_ms = 100 }\n${more}`,
    nodes: {
      source: { component: 'counter-source', config: '0 64' },
      loop: {
        component: 'misbehaving',
        config: String(deeds.endless),
        more: `fuel_budget = 0\ncall_ms = ${callMs}`,
      },
      sink: { component: 'sum-sink' },
    },
    edges: ['source -> loop', 'loop -> sink'],
  }
}

async function added({ engine }: TestEngine, flow: FlowText): Promise<{ id: string; view: () => FlowView }> {
  const { id } = await engine.flows.add({ path: await flowFolder(flow) }, [])
  const view = (): FlowView => {
    const found = engine.flows.list().find((each) => each.id === id)
    if (found === undefined) throw new Error(`no flow ${id}`)
    return found
  }
  return { id, view }
}

describe('a stage that is stuck in code without fuel', () => {
  it('spec flows 18 watchdog: ends its thread, starts again by its policy, then fails; other flows go on', async () => {
    const test = await startEngine()
    const { flows } = test.engine
    const other = await added(test, endless)
    await flows.start(other.id)
    const restarts = 'restart = { mode = "on-trap", max = 1, window_s = 300 }'
    const { id, view } = await added(test, stuck(200, restarts))
    const pids = new Set<number>()
    const forget = flows.onDidChange(() => void pids.add(view().pid ?? 0))
    await flows.start(id)
    const first = view().pid ?? 0
    const spared = other.view().figures?.elements ?? 0
    const end = await flows.ended(id)
    forget()
    expect(end).toMatchObject({
      state: 'failed',
      failure: { node: 'loop', case: 'deadline-exceeded', error: { code: 'stage.timeout' } },
    })
    expect([...pids].some((pid) => pid !== 0 && pid !== first)).toBe(true)
    await until(() => expect(other.view().figures?.elements).toBeGreaterThan(spared))
    expect(other.view().state).toBe('running')
  })

  it('spec flows 7.4: a cancel waits cancel_ms and 500 ms, then ends the thread, and other flows go on', async () => {
    const test = await startEngine()
    const { flows } = test.engine
    const other = await added(test, endless)
    await flows.start(other.id)
    const { id, view } = await added(test, stuck(60_000, ''))
    await flows.start(id)
    await until(() => expect(view().state).toBe('running'))
    // While the other flow is told to have gone on, this one has long entered the stage it is stuck in.
    const seen = other.view().figures?.elements ?? 0
    await until(() => expect(other.view().figures?.elements).toBeGreaterThan(seen + 5_000))
    const began = performance.now()
    const end = await flows.cancel(id)
    const tookMs = performance.now() - began
    expect(tookMs).toBeGreaterThanOrEqual(895)
    expect(tookMs).toBeLessThan(6_500)
    expect(end).toMatchObject({ state: 'cancelled', figures: { liveBuffers: 0 } })
    expect(other.view().state).toBe('running')
  })

  it('is not started again when it was asked to drain', async () => {
    const test = await startEngine()
    const { flows } = test.engine
    const { id, view } = await added(test, stuck(60_000, 'restart = { mode = "on-trap", max = 3 }'))
    await flows.start(id)
    const draining = flows.drain(id)
    process.kill(view().pid ?? 0, 'SIGKILL')
    expect(await draining).toMatchObject({ state: 'failed', failure: { error: { code: 'flow.lost' } } })
    expect(view().state).toBe('failed')
  })
})

describe('what is said to a flow before it runs', () => {
  it('a pause while its stages are made holds it from its first step', async () => {
    const test = await startEngine()
    const { flows } = test.engine
    const { id, view } = await added(test, endless)
    const started = flows.start(id)
    while (view().state === 'preparing') await new Promise((resolve) => setImmediate(resolve))
    flows.pause(id)
    await started
    await until(() => expect(view().figures?.paused).toBe(true))
    const before = view().figures?.elements
    flows.resume(id)
    await until(() => expect(view().figures?.elements).toBeGreaterThan(before ?? 0))
  })

  it('a drain while its stages are made ends it at once', async () => {
    const test = await startEngine()
    const { flows } = test.engine
    const { id, view } = await added(test, endless)
    // A drain that comes before it runs is why it never did.
    const started = flows.start(id).catch((error: unknown) => error)
    while (view().state === 'preparing') await new Promise((resolve) => setImmediate(resolve))
    const [end, fault] = await Promise.all([flows.drain(id), started])
    expect([undefined, 'flow.cancelled']).toContain((fault as PaddockError | undefined)?.code)
    expect([end.state, end.figures.elements, end.figures.liveBuffers]).toEqual(['cancelled', 0, 0])
  })
})
