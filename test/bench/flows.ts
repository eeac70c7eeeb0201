import { LogBuffer } from '../../src/sandbox/bridge/log-buffer.ts'
import { FlowBuffers } from '../../src/sandbox/contracts/flow/buffers/flow-buffers.ts'
import { createFlowProgram } from '../../src/sandbox/contracts/flow/program.ts'
import type { GuestProgram } from '../../src/sandbox/programs/guest-program.ts'
import type { FlowEnd } from '../../src/shared/contracts/flow.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import type { StageName } from '../fixtures/stages/components.ts'
import { openStage } from '../fixtures/stages/opened-stages.ts'
import { flowPlan, removeFlowFolders } from '../support/flows.ts'
import { quietThread } from '../support/quiet-thread.ts'
import { glueLoop } from './flow-glue.ts'
import { compare, us, type Finding } from './measure.ts'
import { isElectron } from './support.ts'

type Trio = readonly [source: StageName, transform: StageName, sink: StageName]

const compiled: Trio = ['counter-source', 'flip-transform', 'sum-sink']
const scripted: Trio = ['js-source', 'js-transform', 'js-sink']
const elementBytes = 64
const stagesInAll = 3
/** The bound for a whole flow against a loop without a flow. */
const goal = { kind: 'at least', value: 0.8 } as const

/** Source, transform and sink with elements of 64 bytes, all read and written: a flow against loops without one. */
export async function flows(): Promise<Finding[]> {
  // Its fixtures are found beside their source, which the bundle for Electron is not.
  if (isElectron) return []
  try {
    return [
      ...(await measure('compiled', compiled, { batches: 15, elements: 30_000 })),
      ...(await measure('TypeScript', scripted, { batches: 8, elements: 1_500 })),
    ]
  } finally {
    await removeFlowFolders()
  }
}

async function measure(
  guests: string,
  trio: Trio,
  { batches, elements }: { batches: number; elements: number },
): Promise<Finding[]> {
  const direct = await directLoop(trio)
  const next = await preparedFlows(trio, batches * 2 + 6, elements)
  const rate = (microseconds: number): string => `${Math.round(1_000 / microseconds)} k/s`
  const findings: Finding[] = []
  // The transpiler's glue refuses what QuickJS does after a call, so there is no such loop for its guests.
  if (guests === 'compiled') {
    const glue = await glueLoop(trio, elementBytes)
    const { ours, bare, ratio } = await compare(next, () => glue(elements), { batches, operations: elements })
    findings.push({
      name: `flow, ${guests} stages`,
      what: 'elements a second over a plain loop calling the three transpiled components',
      value: 1 / ratio,
      unit: '×',
      goal,
      detail: `${rate(ours)} over ${rate(bare)}`,
    })
  }
  const overDirect = await compare(next, () => direct(elements), { batches, operations: elements })
  const cpu = processorTime(() => direct(elements * batches)) / (elements * batches)
  return [
    ...findings,
    {
      name: `flow over its stages, ${guests}`,
      what: 'elements a second over a plain loop calling the three bound stages',
      value: 1 / overDirect.ratio,
      unit: '×',
      goal: null,
      detail: `${rate(overDirect.ours)} over ${rate(overDirect.bare)}`,
    },
    {
      name: `stage call, ${guests}`,
      what: 'processor time of one element in one bound stage, the guest’s own work and metering included',
      value: cpu / stagesInAll,
      unit: 'µs',
      goal: guests === 'compiled' ? { kind: 'at most', value: 2 } : null,
      detail: `${us(cpu)} for all three`,
    },
  ]
}

/** Microseconds that `task` takes of a processor, whoever else wants it. */
function processorTime(task: () => void): number {
  const before = process.cpuUsage()
  task()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** Flows that are loaded; each call runs the next of them to its end. */
async function preparedFlows(trio: Trio, count: number, elements: number): Promise<() => void> {
  const [source, transform, sink] = trio
  const plan = await flowPlan({
    nodes: {
      source: { role: 'source', stage: source, config: `${elements} ${elementBytes}` },
      transform: { role: 'processor', stage: transform },
      sink: { role: 'sink', stage: sink },
    },
    edges: ['source > transform', 'transform > sink'],
  })
  const programs: GuestProgram[] = []
  for (let made = 0; made < count; made += 1) {
    programs.push(
      await createFlowProgram({
        spec: {
          module: 'flow',
          run: 1,
          contract: 'flow',
          artifactDirectory: '',
          storePath: null,
          durability: 'event',
          limits: defaultLimits,
          capabilities: {},
          logLevel: 'error',
          contractData: plan,
        },
        log: new LogBuffer({ minLevel: 'error', send: () => undefined }),
        callHost: () => {
          throw new Error('a flow asks the engine by letters')
        },
        linkage: () => 'denied',
        ...quietThread,
      }),
    )
  }
  return () => {
    const program = programs.shift()
    const outcome = program?.run(
      {
        id: 1,
        sequence: 0,
        operation: 'run',
        payload: null,
        cursor: null,
        fuel: 1,
        deadlineMs: 1_000_000,
        context: {},
      },
      () => undefined,
    )
    const end = outcome?.status === 'ok' ? (outcome.value as FlowEnd) : undefined
    if (end?.figures.delivered !== elements)
      throw new Error(`the flow ended: ${JSON.stringify(end?.failure)}`)
  }
}

/** The three stages without a flow around them. */
async function directLoop(trio: Trio): Promise<(elements: number) => void> {
  const buffers = new FlowBuffers()
  const opened = await Promise.all(trio.map((name) => openStage(name, { buffers })))
  const [source, transform, sink] = opened.map(({ stage }) => stage)
  if (source === undefined || transform === undefined || sink === undefined) throw new Error('no stage')
  source.init(`0 ${elementBytes}`)
  const pulledNs = 0
  let sequence = 0
  return (elements) => {
    for (let count = 0; count < elements; count += 1, sequence += 1) {
      source.pull()
      const first = source.output
      if (first === null) throw new Error(source.error?.message)
      transform.accept({ ...first, sequence, timestampNs: 1_000n, pulledNs })
      first.buffer.release()
      const second = transform.output
      if (second === null) throw new Error(transform.error?.message)
      if (sink.accept({ ...second, sequence, timestampNs: 1_000n, pulledNs }) !== 'ready')
        throw new Error(sink.error?.message)
      second.buffer.release()
    }
  }
}
