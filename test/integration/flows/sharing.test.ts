import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { deeds } from '../../fixtures/stages/misbehaving.ts'
import { closeEngines, startEngine, type TestEngine } from '../../support/engine.ts'
import { flowFolder, type FlowText } from '../../support/flow-folder.ts'
import { until } from '../../support/until.ts'

afterEach(closeEngines)

const pageBytes = 4_096

function straight(sink: string, more = ''): FlowText {
  return {
    flow: more,
    nodes: {
      source: { component: 'counter-source', config: '0 64' },
      sink: { component: 'sum-sink', config: sink },
    },
    edges: ['source -> sink'],
  }
}

async function started({ engine }: TestEngine, flow: FlowText): Promise<string> {
  const { id } = await engine.flows.add({ path: await flowFolder(flow) }, [])
  await engine.flows.start(id)
  return id
}

function figuresOf({ engine }: TestEngine, id: string) {
  const view = engine.flows.list().find((each) => each.id === id)
  if (view === undefined || view.figures === null) throw new Error(`no figures of ${id}`)
  return { ...view.figures, pid: view.pid ?? 0 }
}

async function resident(pid: number): Promise<number> {
  const [, pages = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')
  return Number(pages) * pageBytes
}

async function passed(test: TestEngine, id: string, elements: number): Promise<void> {
  const goal = figuresOf(test, id).elements + elements
  await until(() => expect(figuresOf(test, id).elements).toBeGreaterThan(goal))
}

describe('spec flows 18: memory bound, in short', () => {
  it('holds a bounded number of elements before a slow sink, and no more memory with time', async () => {
    const test = await startEngine()
    const id = await started(test, straight('16', 'default_queue_depth = 8'))
    await until(() => expect(figuresOf(test, id).delivered).toBeGreaterThan(1_000))
    const { pid } = figuresOf(test, id)
    const before = await resident(pid)
    for (let round = 0; round < 3; round += 1) await passed(test, id, 500)
    // One collection of young objects more or less.
    expect((await resident(pid)) - before).toBeLessThan(24 * 1024 * 1024)
    const { elements, delivered, dropped, edges, liveBuffers } = figuresOf(test, id)
    // A sink that paused closes its edge at once (spec flows 6.4), long before the queue is full.
    expect(edges[0]?.peakDepth).toBeLessThanOrEqual(8)
    expect(edges[0]?.pressures).toBeGreaterThan(0)
    expect(dropped).toBe(0)
    // Capacity and one in the hands of each node (spec flows 6.6).
    expect(elements - delivered).toBeLessThanOrEqual(8 + 2)
    expect(liveBuffers).toBeLessThanOrEqual(8 + 2)
  })
})

describe('spec flows 18: fairness, in short', () => {
  it('lets flows go on beside one that burns its time, the background too', async () => {
    const test = await startEngine()
    const heavy: FlowText = {
      nodes: {
        source: { component: 'counter-source', config: '0 64' },
        loop: {
          component: 'misbehaving',
          config: String(deeds.endless),
          more: 'error_policy = { kind = "skip" }\nfuel_budget = 50000000',
        },
        sink: { component: 'sum-sink' },
      },
      edges: ['source -> loop', 'loop -> sink'],
      flow: 'restart = { mode = "on-trap", max = 1000000, window_s = 1 }',
    }
    const ids = [
      await started(test, straight('0')),
      await started(test, straight('0')),
      await started(test, straight('0', 'priority = "background"')),
    ]
    await started(test, heavy)
    for (const id of ids) await until(() => expect(figuresOf(test, id).elements).toBeGreaterThan(0))
    const before = ids.map((id) => figuresOf(test, id).elements)
    await Promise.all(ids.map((id) => passed(test, id, 2_000)))
    const [one = 0, two = 0, background = 0] = ids.map(
      (id, index) => figuresOf(test, id).elements - (before[index] ?? 0),
    )
    expect(Math.min(one, two) / Math.max(one, two)).toBeGreaterThan(0.3)
    expect(background / (one + two + background)).toBeGreaterThan(0.05)
  })
})
