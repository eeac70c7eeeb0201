/** Flows for tests: real components, driven in this thread by the program that a sandbox runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileComponent, inspectComponent } from '../../src/engine/compiler/compile.ts'
import { LogBuffer } from '../../src/sandbox/bridge/log-buffer.ts'
import type { TimeSource } from '../../src/sandbox/contracts/flow/driver/flow-clock.ts'
import { createFlowProgram } from '../../src/sandbox/contracts/flow/program.ts'
import type { Mailbox, ProgramContext } from '../../src/sandbox/programs/guest-program.ts'
import {
  flowPlanSchema,
  fromFlowSchema,
  toFlowSchema,
  type FlowEdge,
  type FlowEnd,
  type FlowFigures,
  type FlowNode,
  type FlowPlan,
  type FromFlow,
  type ToFlow,
  type TraceSpan,
} from '../../src/shared/contracts/flow.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import { componentOf, stageComponent, type StageName } from '../fixtures/stages/components.ts'
import { flowStages, type FlowStageName } from './flow-stages.ts'
import { quietThread } from './quiet-thread.ts'

const folders: string[] = []
const artifacts = new Map<string, Promise<string>>()

/** A folder that `removeFlowFolders` removes. */
export async function flowFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-flow-'))
  folders.push(folder)
  return folder
}

export async function removeFlowFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
  artifacts.clear()
}

export type TestStage = StageName | FlowStageName

/** Directory of the stage's artifact, compiled once per process. */
export function stageArtifact(name: TestStage): Promise<string> {
  const known = artifacts.get(name)
  if (known !== undefined) return known
  const made = compile(name)
  artifacts.set(name, made)
  return made
}

async function compile(name: TestStage): Promise<string> {
  const folder = await flowFolder()
  const path = join(folder, 'stage.wasm')
  const own = flowStages[name as FlowStageName]
  await writeFile(path, own === undefined ? await stageComponent(name as StageName) : await componentOf(own))
  const { sha256 } = await inspectComponent(path)
  const { directory } = await compileComponent(
    {
      path,
      expectedSha256: sha256,
      cacheDir: join(folder, 'artifacts'),
      cacheMaxBytes: 1_000_000_000,
      limits: { memoryBytes: 64 * 1024 * 1024, tableElements: 10_000, initialFuel: 1_000_000_000 },
    },
    () => undefined,
  )
  return directory
}

/** `host`: an end in the engine. */
export type NodeText = Partial<FlowNode> & {
  readonly role: FlowNode['role']
  readonly stage: TestStage | 'host'
}
/** `a > b`, `a.port > b`, or an edge with more said about it. */
export type EdgeText = string | (Partial<FlowEdge> & { readonly way: string })

export interface FlowText extends Partial<Omit<FlowPlan, 'nodes' | 'edges' | 'timeouts'>> {
  readonly nodes: Readonly<Record<string, NodeText>>
  readonly edges: readonly EdgeText[]
  readonly timeouts?: Partial<FlowPlan['timeouts']>
}

export const traceId = '0123456789abcdef0000000000000000'

export const failFast: FlowNode['errorPolicy'] = {
  base: { kind: 'fail-fast' },
  perCase: {},
  deadLetter: null,
  maxErrorsPerMinute: null,
}

/** The plan of `text`, checked as a sandbox does. */
export async function flowPlan({ nodes, edges, timeouts, ...rest }: FlowText): Promise<FlowPlan> {
  const planned = await Promise.all(
    Object.entries(nodes).map(async ([name, { stage, ...node }]) => ({
      name,
      body:
        stage === 'host'
          ? { kind: 'host' }
          : {
              kind: 'component',
              artifactDirectory: await stageArtifact(stage),
              exports: [],
              imports: [],
              grants: [],
            },
      config: '',
      fuel: 1_000_000,
      memoryBytes: 64 * 1024 * 1024,
      bufferBytes: 64 * 1024 * 1024,
      priority: 5,
      callMs: 5_000,
      errorPolicy: failFast,
      circuit: null,
      ports: null,
      pauseProbeMs: [10, 1_000],
      fanOut: 'together',
      ...node,
    })),
  )
  return flowPlanSchema.parse({
    flow: 'test',
    traceId,
    nodes: planned,
    edges: edges.map(edgeOf),
    priority: 'normal',
    timeouts: {
      deadlineMs: 0,
      drainMs: 5_000,
      cancelMs: 1_000,
      initMs: 5_000,
      teardownMs: 2_000,
      ...timeouts,
    },
    restart: { mode: 'never', max: 3, windowMs: 300_000 },
    level: 'production',
    traceRate: 0,
    elementLimit: null,
    ...rest,
  })
}

function edgeOf(text: EdgeText): FlowEdge {
  const { way, ...rest } = typeof text === 'string' ? { way: text } : text
  const [, from = '', port = 'output', to = ''] = /^([\w-]+)(?:\.([\w-]+))? > ([\w-]+)$/.exec(way) ?? []
  return {
    from,
    port,
    to,
    capacity: 64,
    policy: 'block-producer',
    lowWatermarkRatio: 0.5,
    rateLimit: null,
    ...rest,
  }
}

/** Time that jumps where a flow would sleep: hours of waiting take none, and calls take what they take. */
export class JumpingTime implements TimeSource {
  sleptMs = 0

  now(): number {
    return performance.now() + this.sleptMs
  }

  unixMs(): number {
    return Date.now() + this.sleptMs
  }
}

export interface FlowScript {
  /** Time jumps over sleep unless `real`. */
  readonly time?: 'real'
  /** Looked at before each step, as the flow looks at its mail; what it answers is sent to the flow. */
  readonly onStep?: (step: number, flow: RunningFlow) => ToFlow | ToFlow[] | undefined
  /** As `onStep`, when the flow goes to sleep. */
  readonly onSleep?: (ms: number, flow: RunningFlow) => ToFlow | ToFlow[] | undefined
  /** Told each letter of the flow; the answer is sent to it. */
  readonly onLetter?: (letter: FromFlow, flow: RunningFlow) => ToFlow | ToFlow[] | undefined
  /** Gives host sinks no credit of its own accord. */
  readonly withoutCredit?: boolean
}

/** What a test sees of a flow. */
export class RunningFlow implements Mailbox {
  readonly letters: FromFlow[] = []
  readonly marks: { step: number; budgetMs: number }[] = []
  readonly lines: string[] = []
  stopping = false
  readonly time: JumpingTime
  steps = 0
  private readonly beganMs: number
  private readonly script: FlowScript
  private incoming: ToFlow[] = []

  constructor(script: FlowScript, time: JumpingTime) {
    this.script = script
    this.time = time
    this.beganMs = time.now()
  }

  /** By the flow's own clock: never less than its waits, however slow the machine is. */
  get elapsedMs(): number {
    return this.time.now() - this.beganMs
  }

  get hasNews(): boolean {
    this.steps += 1
    if (this.script.onStep !== undefined) this.tell(this.script.onStep(this.steps, this))
    return this.incoming.length > 0 || this.stopping
  }

  take(): unknown[] {
    return this.incoming.splice(0)
  }

  sleep(ms: number): void {
    this.tell(this.script.onSleep?.(ms, this))
    if (this.incoming.length > 0) return
    if (this.script.time === 'real') quietThread.mail.sleep(ms)
    else this.time.sleptMs += ms
  }

  send(letter: unknown): void {
    const told = fromFlowSchema.parse(structuredClone(letter))
    this.letters.push(told)
    if (told.kind === 'elements' && this.script.withoutCredit !== true)
      this.tell({ kind: 'credit', node: told.node, elements: told.elements.length })
    this.tell(this.script.onLetter?.(told, this))
  }

  tell(letters: ToFlow | ToFlow[] | undefined): void {
    if (letters === undefined) return
    for (const letter of Array.isArray(letters) ? letters : [letters])
      this.incoming.push(toFlowSchema.parse(letter))
  }

  get states(): string[] {
    return this.letters.flatMap((letter) => (letter.kind === 'state' ? [letter.state] : []))
  }

  get spans(): TraceSpan[] {
    return this.letters.flatMap((letter) => (letter.kind === 'spans' ? letter.spans : []))
  }

  events(name: string): string[] {
    return this.letters.flatMap((letter) =>
      letter.kind === 'event' && letter.event === name ? [letter.message] : [],
    )
  }

  /** As they were told last. */
  get figures(): FlowFigures | undefined {
    return this.letters.flatMap((letter) => (letter.kind === 'figures' ? [letter.figures] : [])).at(-1)
  }

  /** What a host sink was given. */
  given(node: string): Buffer[] {
    return this.letters.flatMap((letter) =>
      letter.kind === 'elements' && letter.node === node
        ? letter.elements.map(({ bytes }) => Buffer.from(bytes))
        : [],
    )
  }

  texts(node: string): string[] {
    return this.given(node).map((bytes) => bytes.toString('utf8'))
  }
}

export interface EndedFlow {
  readonly end: FlowEnd
  readonly flow: RunningFlow
}

/** A flow that is loaded and not run yet. */
export async function openFlow(
  text: FlowText,
  script: FlowScript = {},
): Promise<{ readonly flow: RunningFlow; run(): FlowEnd }> {
  const plan = await flowPlan(text)
  const time = new JumpingTime()
  const flow = new RunningFlow(script, time)
  const program = await createFlowProgram(contextOf(plan, flow), time)
  return {
    flow,
    run() {
      const outcome = program.run(
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
      if (outcome.status !== 'ok') throw new Error(`answered ${JSON.stringify(outcome)}`)
      return outcome.value as FlowEnd
    },
  }
}

/** Runs a flow to its end. */
export async function runFlow(text: FlowText, script: FlowScript = {}): Promise<EndedFlow> {
  const { flow, run } = await openFlow(text, script)
  const end = run()
  return { flow, end }
}

function contextOf(plan: FlowPlan, flow: RunningFlow): ProgramContext {
  return {
    spec: {
      module: 'flow',
      run: 1,
      contract: 'flow',
      artifactDirectory: '',
      storePath: null,
      durability: 'event',
      limits: defaultLimits,
      capabilities: {},
      logLevel: 'trace',
      contractData: structuredClone(plan),
    },
    log: new LogBuffer({
      minLevel: 'trace',
      send: ({ records }) => flow.lines.push(...records.map(({ message }) => message)),
    }),
    callHost: () => {
      throw new Error('a flow asks the engine by letters')
    },
    linkage: () => 'denied',
    statements: quietThread.statements,
    steps: {
      name: () => undefined,
      begin: (step, budgetMs) => flow.marks.push({ step, budgetMs }),
      end: () => undefined,
    },
    mail: flow,
  }
}

/** Figures of one node at the end. */
export function nodeOf({ end }: EndedFlow, name: string): FlowEnd['figures']['nodes'][number] {
  const node = end.figures.nodes.find((candidate) => candidate.name === name)
  if (node === undefined) throw new Error(`no node ${name}`)
  return node
}
