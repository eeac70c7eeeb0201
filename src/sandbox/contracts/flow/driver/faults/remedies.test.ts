import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { faulty, sound } from '../../../../../../test/support/flow-stages.ts'
import {
  failFast,
  flowFolder,
  nodeOf,
  removeFlowFolders,
  runFlow,
  type FlowText,
  type NodeText,
} from '../../../../../../test/support/flows.ts'

afterAll(removeFlowFolders)

const skip = { ...failFast, base: { kind: 'skip' } } as const
const chain = (processor: Partial<NodeText>, count = 6): FlowText => ({
  nodes: {
    source: { role: 'source', stage: 'faulty-source', config: `4000000000 0 0 ${count}` },
    stage: { role: 'processor', stage: 'faulty-processor', ...processor },
    sink: { role: 'sink', stage: 'host' },
  },
  edges: ['source > stage', 'stage > sink'],
})

describe('spec flows 18, circuit', () => {
  const circuit = { failures: 5, openMs: 1_000, maxOpenMs: 30_000, onOpen: 'hold' } as const

  it('5 unavailable in a row open it, a probe closes it, and no element is lost with hold', async () => {
    const config = faulty('unavailable', { first: 1, times: 5 })
    const ended = await runFlow(chain({ config, circuit }))
    expect(ended.end.state).toBe('completed')
    expect(ended.flow.given('sink').map((bytes) => bytes.readUInt32LE(0))).toEqual([0, 1, 2, 3, 4, 5])
    expect(nodeOf(ended, 'stage').errors).toEqual({ unavailable: 5 })
    expect(ended.flow.events('component.circuit_open')).toEqual(['The circuit is open for 1000 ms.'])
    expect(ended.flow.events('component.circuit_closed')).toHaveLength(1)
    expect(ended.flow.elapsedMs).toBeGreaterThan(900)
  })

  it('a probe that fails opens it for twice as long, up to its bound', async () => {
    const config = faulty('unavailable', { first: 1, times: 8 })
    const text = chain({ config, circuit: { ...circuit, maxOpenMs: 3_000 } })
    const { flow, end } = await runFlow({ ...text, timeouts: { drainMs: 60_000 } })
    expect(end.figures.delivered).toBe(6)
    expect(flow.events('component.circuit_open')).toEqual([
      'The circuit is open for 1000 ms.',
      'The circuit is open for 2000 ms.',
      'The circuit is open for 3000 ms.',
      'The circuit is open for 3000 ms.',
    ])
  })

  it('skip drops what comes while it is open, fail fails', async () => {
    const config = faulty('unavailable', { first: 1, times: 5 })
    const skipping = await runFlow(
      chain({ config, errorPolicy: skip, circuit: { ...circuit, onOpen: 'skip' } }, 50),
    )
    expect(skipping.end).toMatchObject({ state: 'completed', figures: { delivered: 1 } })
    expect(nodeOf(skipping, 'stage').dropped).toEqual({ error: 49 })
    const failing = await runFlow(
      chain({ config, errorPolicy: skip, circuit: { ...circuit, onOpen: 'fail' } }),
    )
    expect(failing.end.failure?.error.code).toBe('stage.circuit_open')
  })
})

describe('spec flows 18, dead letter and restart', () => {
  it('the poisonous element lands in the file, the flow goes on, the third trap in the window fails it', async () => {
    const path = join(await flowFolder(), 'deep', 'dead.jsonl')
    const errorPolicy = { ...skip, deadLetter: { path, maxBytes: 100_000 } }
    const text = chain({ config: faulty('trap', { first: 1, times: 1 }), errorPolicy }, 20)
    const ended = await runFlow({ ...text, restart: { mode: 'on-trap', max: 2, windowMs: 300_000 } })
    // Every new instance traps at its second element.
    expect(ended.end.state).toBe('failed')
    expect(ended.end.failure).toMatchObject({
      node: 'stage',
      case: 'fatal',
      sequence: 5,
      error: { code: 'stage.trap' },
    })
    expect(nodeOf(ended, 'stage')).toMatchObject({ restarts: 2, state: 'dead', errors: { fatal: 3 } })
    const lines = (await readFile(path, 'utf8')).trim().split('\n')
    const letters = lines.map((line) => JSON.parse(line) as Record<string, string>)
    expect(letters).toMatchObject([
      {
        flow: 'test',
        node: 'stage',
        sequence: 1,
        case: 'fatal',
        payload: Buffer.from([1, 0, 0, 0]).toString('base64'),
      },
      {
        flow: 'test',
        node: 'stage',
        sequence: 3,
        case: 'fatal',
        payload: Buffer.from([3, 0, 0, 0]).toString('base64'),
      },
    ])
    expect(ended.end.figures.liveBuffers).toBe(0)
    expect(ended.flow.given('sink').map((bytes) => bytes.readUInt32LE(0))).toEqual([0, 2, 4])
  })

  it('restarts outside of the window do not count', async () => {
    const text = chain({ config: faulty('trap', { first: 1 }), errorPolicy: skip }, 20)
    const stage = text.nodes['stage'] as NodeText
    const nodes = { ...text.nodes, stage }
    const edges = [{ way: 'source > stage', rateLimit: 1 }, 'stage > sink']
    const ended = await runFlow({
      ...text,
      nodes,
      edges,
      restart: { mode: 'on-trap', max: 2, windowMs: 3_000 },
    })
    expect(ended.end).toMatchObject({ state: 'completed', figures: { delivered: 10 } })
    expect(nodeOf(ended, 'stage').restarts).toBe(10)
  })

  it('a file that is full loses elements and says so', async () => {
    const path = join(await flowFolder(), 'dead.jsonl')
    const errorPolicy = {
      ...failFast,
      base: { kind: 'dead-letter' },
      deadLetter: { path, maxBytes: 600 },
    } as const
    const { end, flow } = await runFlow(chain({ config: faulty('internal', { times: 9 }), errorPolicy }))
    expect(end.state).toBe('completed')
    expect(flow.events('component.dead_letter_lost').length).toBeGreaterThan(0)
    expect((await readFile(path)).length).toBeLessThanOrEqual(600)
  })

  it('spec flows 18, fuel: an endless loop is deadline-exceeded, and the stage replaced or the flow failed', async () => {
    const config = faulty('endless', { first: 1 })
    const failed = await runFlow(chain({ config }))
    expect(failed.end.failure).toMatchObject({
      case: 'deadline-exceeded',
      error: { code: 'stage.out_of_fuel' },
    })
    const skipped = await runFlow(chain({ config, errorPolicy: skip }))
    // Every new instance loops at its second call.
    expect(nodeOf(skipped, 'stage')).toMatchObject({ restarts: 3, dropped: { error: 3 }, elementsOut: 3 })
    expect(skipped.end.state).toBe('completed')
    // Another process may hold the core at that moment: the best of a few counts.
    let spentNs = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 5 && spentNs >= 100_000_000; attempt += 1) {
      const { flow } = attempt === 0 ? failed : await runFlow(chain({ config }))
      const span = flow.spans.find(({ outcome }) => outcome === 'trap')
      spentNs = Math.min(spentNs, span?.durationNs ?? spentNs)
    }
    expect(spentNs).toBeLessThan(100_000_000)
  })

  it('a call that comes back too late is deadline-exceeded and leaves the instance alive', async () => {
    const { end, flow } = await runFlow(chain({ config: sound, callMs: 0.000_001, errorPolicy: skip }))
    expect(end).toMatchObject({ state: 'completed', figures: { delivered: 0, liveBuffers: 0 } })
    expect(end.figures.nodes[1]).toMatchObject({ errors: { 'deadline-exceeded': 6 }, restarts: 0 })
    expect(flow.marks.some(({ budgetMs }) => budgetMs > 500 && budgetMs < 501)).toBe(true)
  })
})
