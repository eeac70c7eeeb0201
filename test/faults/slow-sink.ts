/** A sink that pauses again and again behind a source that never does, in a sandbox of its own. */
import { readFile } from 'node:fs/promises'
import type { FlowFigures } from '../../src/shared/contracts/flow.ts'
import type { FlowView } from '../../src/shared/domain/flow.ts'
import type { TestEngine } from '../support/engine.ts'
import { flowFolder } from '../support/flow-folder.ts'
import { DidNotSurvive, eventually, mustEqual, mustHold } from './fault.ts'

export interface SlowSink {
  /** Elements before the flow is drained, and how many of them warm it up. */
  readonly elements: number
  readonly warmUp: number
  /** It goes on at least so long, in milliseconds. */
  readonly leastMs: number
  /** The sink pauses, for 10 ms, at every n-th element. */
  readonly pauseEvery: number
}

export interface SlowSinkResult {
  readonly figures: FlowFigures
  readonly seconds: number
  /** Of the process, after warming up: how much it grew at most, and at the end. */
  readonly grownBytes: number
  readonly grownAtEndBytes: number
  /** Elements in all queues, at most, and what they hold. */
  readonly deepest: number
  readonly bound: number
}

const depth = 64
const nodes = 3
const edges = 2
const lookEveryMs = 50
const waitMs = 600_000

/** Runs it and checks that nothing is lost, out of order, or beyond the bound. Throws `DidNotSurvive`. */
export async function slowSink({ engine }: TestEngine, slow: SlowSink): Promise<SlowSinkResult> {
  const { id } = await engine.flows.add(
    {
      path: await flowFolder({
        nodes: {
          source: { component: 'counter-source', config: '0 64' },
          middle: { component: 'clone-transform' },
          sink: { component: 'ordered-sink', config: String(slow.pauseEvery) },
        },
        edges: ['source -> middle', 'middle -> sink'],
      }),
    },
    [],
  )
  const view = (): FlowView => {
    const found = engine.flows.list().find((each) => each.id === id)
    if (found === undefined) throw new DidNotSurvive(`flow ${id} is gone`)
    return found
  }
  const elements = (): number => view().figures?.elements ?? 0
  await engine.flows.start(id)
  const began = performance.now()
  await eventually('it warms up', () => elements() >= slow.warmUp, waitMs)
  const firstBytes = await residentBytes(view())
  let [most, last, deepest] = [firstBytes, firstBytes, 0]
  while (elements() < slow.elements || performance.now() - began < slow.leastMs) {
    mustHold(
      view().state === 'running',
      `the flow is ${view().state}: ${view().end?.failure?.error.message ?? ''}`,
    )
    last = await residentBytes(view())
    most = Math.max(most, last)
    const queued = view().figures?.edges.reduce((sum, edge) => sum + edge.depth, 0) ?? 0
    deepest = Math.max(deepest, queued)
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  const { state, failure, figures, leaked } = await engine.flows.drain(id)
  // A drain by the operator ends as cancelled, with everything through.
  mustEqual([state, failure?.error.message ?? null, leaked], ['cancelled', null, 0], 'its end')
  mustEqual([figures.delivered, figures.dropped], [figures.elements, 0], 'what came through')
  const bound = edges * depth + nodes
  mustHold(deepest <= bound, `${deepest} elements were in flight, the bound is ${bound}`)
  for (const edge of figures.edges) mustHold(edge.peakDepth <= depth, `a queue held ${edge.peakDepth}`)
  mustHold((figures.edges[edges - 1]?.pressures ?? 0) > 10, 'there was no pressure to speak of')
  return {
    figures,
    seconds: (performance.now() - began) / 1_000,
    grownBytes: most - firstBytes,
    grownAtEndBytes: last - firstBytes,
    deepest,
    bound,
  }
}

/** As the system says now, where it says so; else as the process told last. */
async function residentBytes({ pid, residentBytes: told }: FlowView): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '')
  const kibibytes = /^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]
  return kibibytes === undefined ? (told ?? 0) : Number(kibibytes) * 1_024
}
