/** One flow on one guest thread: its stages are made at once, and `run` drives them to the end (spec flows 4.2, 5.1). */
import { randomBytes } from 'node:crypto'
import { flowPlanSchema, hostWindow, type FlowPlan } from '../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../../shared/sandbox/protocol.ts'
import { loadArtifact, type LoadedArtifact } from '../../loading/artifact.ts'
import type { GuestProgram, ProgramContext, ProgramProgress } from '../../programs/guest-program.ts'
import { CallCounts } from '../call-counts.ts'
import { FlowBuffers } from './buffers/flow-buffers.ts'
import { FlowDriver } from './driver/driver.ts'
import { FlowClock, systemTime, type TimeSource } from './driver/flow-clock.ts'
import { HostSink, HostSource } from './driver/ends/host-ends.ts'
import type { StageFactory } from './driver/faults/replacements.ts'
import { createStage } from './stages/create-stage.ts'
import type { StageLine } from './stages/options.ts'

const prefixBytes = 4

/** Loads every component of the plan and instantiates every stage. Throws `sandbox.*`, `stage.unsupported`. */
export async function createFlowProgram(
  context: ProgramContext,
  time: TimeSource = systemTime,
): Promise<GuestProgram> {
  const plan = parsePlan(context.spec.contractData)
  const artifacts = new Map<string, LoadedArtifact>()
  for (const { body } of plan.nodes) {
    if (body.kind === 'host' || artifacts.has(body.artifactDirectory)) continue
    // Nodes of the same component share its compiled form (spec flows 4.2).
    artifacts.set(body.artifactDirectory, await loadArtifact(body.artifactDirectory))
  }
  const buffers = new FlowBuffers()
  const driver = new FlowDriver({
    plan,
    buffers,
    mail: context.mail,
    steps: context.steps,
    clock: new FlowClock(time),
    spanPrefix: randomBytes(prefixBytes).toString('hex'),
    createStage: stageFactory(artifacts, buffers, context),
  })
  context.steps.name(plan.nodes.map(({ name }) => name))
  driver.instantiate()
  return new FlowProgram(driver)
}

function parsePlan(data: unknown): FlowPlan {
  const parsed = flowPlanSchema.safeParse(data)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  throw new PaddockError(
    'internal.bug',
    `The plan of the flow is malformed at "${where}": ${issue?.message ?? ''}`,
  )
}

function stageFactory(
  artifacts: ReadonlyMap<string, LoadedArtifact>,
  buffers: FlowBuffers,
  context: ProgramContext,
): StageFactory {
  const { mail, log } = context
  const flowId = `${context.spec.module}/${context.spec.run}`
  const print = ({ node, source, level, message }: StageLine): void => {
    const before = log.context
    log.context = { ...before, node }
    log.add(level, source, message)
    log.context = before
  }
  return (node, nodeContext) => {
    if (node.body.kind === 'host') {
      const { name } = node
      return node.role === 'source'
        ? new HostSource(nodeContext, {
            buffers,
            window: hostWindow,
            want: (elements) => mail.send({ kind: 'wanted', node: name, elements }),
          })
        : new HostSink(nodeContext, {
            buffers,
            credit: hostWindow,
            give: (elements) => mail.send({ kind: 'elements', node: name, elements }),
          })
    }
    const component = artifacts.get(node.body.artifactDirectory)
    if (component === undefined) throw new PaddockError('internal.bug', `Node "${node.name}" was not loaded.`)
    return createStage({
      component,
      node,
      buffers,
      flowId,
      context: nodeContext,
      grants: node.body.grants,
      log: print,
    })
  }
}

class FlowProgram implements GuestProgram {
  readonly progress: ProgramProgress = { lastSequence: -1, cursors: {} }
  readonly warnings: readonly PaddockError[] = []
  readonly counts = new CallCounts()
  readonly usedFuel = null
  readonly storeBytes = 0
  readonly writes = 0
  private readonly driver: FlowDriver
  private hasRun = false

  constructor(driver: FlowDriver) {
    this.driver = driver
  }

  get memoryBytes(): number {
    return this.driver.run.graph.nodes.reduce(
      (sum, node) => sum + (node.hasStage ? node.stage.counters.memoryBytes : 0),
      0,
    )
  }

  run(call: GuestCall, claim: () => void): CallOutcome {
    if (call.operation !== 'run' || this.hasRun) {
      claim()
      return {
        status: 'failed',
        error: new PaddockError('internal.bug', 'A flow runs once, by the call run.').toReport(),
      }
    }
    this.hasRun = true
    const end = this.driver.execute()
    claim()
    return { status: 'ok', value: end }
  }

  close(): void {
    // Nothing outlives the call.
  }
}
