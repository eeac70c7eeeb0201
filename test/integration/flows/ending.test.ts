import { afterEach, describe, expect, it } from 'vitest'
import type { FlowView } from '../../../src/shared/domain/flow.ts'
import { closeEngines, isAlive, startEngine, type TestEngine } from '../../support/engine.ts'
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
const stuck = (callMs: number): FlowText => ({
  flow: 'timeouts = { drain_ms = 500, teardown_ms = 100 }',
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
})

async function added(flow: FlowText): Promise<{ test: TestEngine; id: string; view: () => FlowView }> {
  const test = await startEngine()
  const { id } = await test.engine.flows.add({ path: await flowFolder(flow) }, [])
  const view = (): FlowView => {
    const found = test.engine.flows.list().find((each) => each.id === id)
    if (found === undefined) throw new Error(`no flow ${id}`)
    return found
  }
  return { test, id, view }
}

function whenBusy(view: () => FlowView): Promise<void> {
  return until(() => expect(view().figures?.elements).toBeGreaterThan(0))
}

describe('spec flows 18: cancel', () => {
  async function cancelled(
    flow: FlowText,
    before: (api: TestEngine['engine']['flows'], id: string, view: () => FlowView) => Promise<void>,
  ): Promise<void> {
    const { test, id, view } = await added(flow)
    const { flows } = test.engine
    await flows.start(id)
    await before(flows, id, view)
    const { pid } = view()
    const began = performance.now()
    const end = await flows.cancel(id)
    expect(performance.now() - began).toBeLessThan(6_500)
    expect([end.state, end.figures.liveBuffers, end.leaked]).toEqual(['cancelled', 0, 0])
    expect([view().state, view().figures?.state]).toEqual(['cancelled', 'cancelled'])
    await until(() => expect(isAlive(pid ?? 0)).toBe(false))
  }

  it('ends one that waits for elements', () =>
    cancelled(
      {
        nodes: { source: { component: 'topic:/paddock/1/orders/json' }, sink: { component: 'sum-sink' } },
        edges: ['source -> sink'],
      },
      async () => undefined,
    ))

  it('ends one that runs', () => cancelled(endless, (_, __, view) => whenBusy(view)))

  it('ends one that is paused', () =>
    cancelled(endless, async (flows, id, view) => {
      await whenBusy(view)
      flows.pause(id)
      await until(() => expect(view().figures?.paused).toBe(true))
    }))

  it('ends one that is stuck in a stage, by its thread', () =>
    cancelled(stuck(60_000), async (_, __, view) => {
      await until(() => expect(view().state).toBe('running'))
    }))
})

describe('spec flows 18: watchdog', () => {
  it('ends the thread of a stage without fuel that never returns, and names the stage', async () => {
    const { test, id, view } = await added(stuck(300))
    const { flows } = test.engine
    await flows.start(id)
    const began = performance.now()
    const end = await flows.ended(id)
    // 300 ms and 0.6 s (spec flows 10.3); the rest is for a machine with other work.
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(end).toMatchObject({
      state: 'failed',
      failure: { node: 'loop', case: 'deadline-exceeded', error: { code: 'stage.timeout' } },
      figures: { liveBuffers: 0 },
    })
    expect(test.engine.state.snapshot().notices).toContainEqual(
      expect.objectContaining({ subject: { kind: 'flow', id }, severity: 'error' }),
    )
    await until(() => expect(view().pid).toBeNull())
    await expect(flows.start(id)).resolves.toBeUndefined()
  })
})

describe('the loss of a flow’s process', () => {
  it('fails the flow with what is known of it, and another flow goes on', async () => {
    const { test, id, view } = await added(endless)
    const { flows } = test.engine
    const { id: other } = await flows.add({ path: await flowFolder(endless) }, [])
    expect(other).not.toBe(id)
    await Promise.all([flows.start(id), flows.start(other)])
    await whenBusy(view)
    process.kill(view().pid ?? 0, 'SIGKILL')
    const end = await flows.ended(id)
    expect(end).toMatchObject({ state: 'failed', failure: { error: { code: 'flow.lost' } } })
    expect(end.figures.elements).toBeGreaterThan(0)
    const spared = (): number => flows.list().find((each) => each.id === other)?.figures?.elements ?? 0
    const before = spared()
    await until(() => expect(spared()).toBeGreaterThan(before))
  })

  it('starts it again where its policy says so, and no more often than that', async () => {
    const { test, id, view } = await added({
      ...endless,
      flow: 'restart = { mode = "on-trap", max = 1, window_s = 300 }',
    })
    const { flows } = test.engine
    await flows.start(id)
    const ended = flows.ended(id)
    const first = view().pid ?? 0
    process.kill(first, 'SIGKILL')
    await until(() => expect(view().pid).toSatisfy((pid) => pid !== null && pid !== first))
    await whenBusy(view)
    process.kill(view().pid ?? 0, 'SIGKILL')
    expect((await ended).state).toBe('failed')
    expect(view().state).toBe('failed')
  })
})

describe('spec flows 7.5: the end of the engine', () => {
  it('ends all flows with it and says how', async () => {
    const { test, id, view } = await added(endless)
    const { flows } = test.engine
    await flows.start(id)
    const { pid } = view()
    const lines: string[] = []
    test.engine.logs.follow({ text: 'flows ended' }, (records) =>
      lines.push(...records.map((each) => each.message)),
    )
    await test.engine.shutdown()
    expect(lines).toEqual([
      expect.stringContaining('1 flows ended with the engine: 0 completed, 1 cancelled'),
    ])
    expect(isAlive(pid ?? 0)).toBe(false)
    // What ran then runs again with the next start.
    expect(test.settings.get().flows).toMatchObject([{ id, enabled: true }])
  })
})
