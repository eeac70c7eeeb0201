import { afterAll, describe, expect, it } from 'vitest'
import { removeFlowFolders, runFlow, type FlowText } from '../../../../../../test/support/flows.ts'
import type { ToFlow } from '../../../../../shared/contracts/flow.ts'

afterAll(removeFlowFolders)

const through: FlowText = {
  nodes: {
    in: { role: 'source', stage: 'host' },
    middle: { role: 'filter', stage: 'word-filter', config: 'no' },
    out: { role: 'sink', stage: 'host' },
  },
  edges: ['in > middle', 'middle > out'],
}

describe('ends of a flow in the engine', () => {
  it('gives only what was wanted, takes all of it, and ends when it is told the end', async () => {
    let sent = 0
    let wanted = 0
    let outstanding = 0
    const { end, flow } = await runFlow(through, {
      onLetter(letter): ToFlow | undefined {
        if (letter.kind !== 'wanted') return undefined
        wanted += letter.elements
        expect(wanted - sent).toBeLessThanOrEqual(256)
        const elements = Array.from({ length: Math.min(letter.elements, 1_000 - sent) }, (_, place) => ({
          bytes: Buffer.from((sent + place) % 10 === 0 ? 'no' : String(sent + place)),
          contentType: 'text/x',
        }))
        sent += elements.length
        outstanding += elements.length
        return { kind: 'elements', node: 'in', elements, closed: sent === 1_000 }
      },
    })
    expect(outstanding).toBe(1_000)
    expect(end).toMatchObject({
      state: 'completed',
      leaked: 0,
      figures: { elements: 1_000, delivered: 900, liveBuffers: 0 },
    })
    const expected = Array.from({ length: 1_000 }, (_, place) => String(place)).filter(
      (text) => !text.endsWith('0'),
    )
    expect(flow.texts('out')).toEqual(expected)
    expect(flow.letters.find((letter) => letter.kind === 'elements')).toMatchObject({
      elements: expect.arrayContaining([expect.objectContaining({ contentType: 'text/x' })]) as unknown,
    })
  })

  it('a sink without credit holds the flow up, and no longer', async () => {
    let given = 0
    let credits = 0
    const { end } = await runFlow(
      {
        ...through,
        nodes: { ...through.nodes, in: { role: 'source', stage: 'counter-source', config: '1000 4' } },
      },
      {
        withoutCredit: true,
        onLetter(letter) {
          if (letter.kind === 'elements') given += letter.elements.length
          expect(given).toBeLessThanOrEqual(256 + credits * 10)
          return undefined
        },
        onSleep() {
          credits += 1
          return { kind: 'credit', node: 'out', elements: 10 }
        },
      },
    )
    expect(end.figures.delivered).toBe(1_000)
    expect(credits).toBeGreaterThan(60)
  })

  it('a letter that the engine must not send fails the flow as a bug', async () => {
    const { end } = await runFlow(through, {
      onSleep: () => ({ kind: 'credit', node: 'in', elements: 1 }),
    })
    expect(end).toMatchObject({ state: 'failed', failure: { error: { code: 'internal.bug' } } })
  })
})
