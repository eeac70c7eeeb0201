import { afterAll, describe, expect, it } from 'vitest'
import {
  openFlow,
  removeFlowFolders,
  runFlow,
  type EndedFlow,
  type FlowText,
} from '../../../../../../test/support/flows.ts'
import { deeds } from '../../../../../../test/fixtures/stages/misbehaving.ts'
import { maxCopyRecords } from '../../../../../shared/contracts/flow.ts'

afterAll(removeFlowFolders)

/** All of it is in the queue, and its source is through, before the first is let go on. */
const held: FlowText = {
  nodes: {
    source: { role: 'source', stage: 'counter-source', config: '10 64' },
    sink: { role: 'sink', stage: 'sum-sink' },
  },
  edges: [{ way: 'source > sink', rateLimit: 10 }],
  timeouts: { drainMs: 60_000 },
}

describe('a flow that is paused while its sources are through', () => {
  async function pausedThen(end: 'drain' | 'stop'): Promise<EndedFlow> {
    let told = 0
    return runFlow(held, {
      onSleep(_, flow) {
        if (!flow.states.includes('draining')) return undefined
        told += 1
        if (told === 1) return { kind: 'pause' }
        if (told > 2) return undefined
        if (end === 'drain') return { kind: 'drain' }
        flow.stopping = true
        return undefined
      },
    })
  }

  it.each(['drain', 'stop'] as const)('lets all of it through when it is told to %s', async (how) => {
    const { end } = await pausedThen(how)
    expect(end).toMatchObject({ state: 'completed', figures: { delivered: 10, dropped: 0 } })
  })
})

describe('what a stage can make its flow tell the engine', () => {
  it('names only the first transfers of a call that makes a great many', async () => {
    const { flow, run } = await openFlow({
      nodes: {
        source: { role: 'source', stage: 'counter-source', config: '2 64' },
        storm: { role: 'processor', stage: 'misbehaving', config: String(deeds.readStorm) },
        sink: { role: 'sink', stage: 'sum-sink' },
      },
      edges: ['source > storm', 'storm > sink'],
      level: 'diagnostic',
    })
    const end = run()
    const storm = end.figures.nodes.find(({ name }) => name === 'storm')
    expect(storm?.copies).toBeGreaterThan(1_000)
    const told = flow.spans.filter(({ node, function: name }) => node === 'storm' && name === 'process')
    expect(told.map(({ copies }) => copies.length)).toContain(maxCopyRecords)
    expect(Math.max(...told.map(({ copies }) => copies.length))).toBe(maxCopyRecords)
  })
})
