/** What the verbs share that run one flow: an engine for it, everything granted, signals and times, and how it ended. */
import { devnetChainId } from '../engine/devnet/chain.ts'
import type { Engine } from '../engine/engine.ts'
import type { LinesEnd, StartOptions } from '../engine/flows/api.ts'
import { chainEndsOf } from '../engine/flows/file/host-end.ts'
import type { FlowEnd, FlowFigures } from '../shared/contracts/flow.ts'
import type { FlowView } from '../shared/domain/flow.ts'
import { PaddockError } from '../shared/errors.ts'
import { withEngine } from './one-shot.ts'
import type { Output } from './output.ts'

export interface FlowTarget {
  readonly file: string
  /** `main` or `flow.main`. */
  readonly flow: string | undefined
  /** `NODE=CONFIG`, or `KEY.PATH=VALUE` of the flow file, each. */
  readonly settings: readonly string[]
  /** A file whose lines take the place of the source; `-` for standard input. */
  readonly input: string | undefined
  /** A file of lines that takes the place of the sink; `-` for standard output. */
  readonly output: string | undefined
  readonly engineConfig: string | undefined
  readonly stateDir: string | undefined
  readonly version: string
}

export interface AddedFlow {
  readonly engine: Engine
  readonly view: FlowView
  readonly start: StartOptions
}

/**
 * Runs an engine with this flow added; naming it on the command line grants what it asks for. Answers the exit code of
 * `work`; what fails is printed: exit 2 for bad input, else 1.
 */
export function withFlow(
  target: FlowTarget,
  output: Output,
  work: (added: AddedFlow) => Promise<number>,
): Promise<number> {
  const { file, engineConfig: config, stateDir, version } = target
  const { configs, overrides } = splitSettings(target.settings)
  const flow = target.flow?.replace(/^flow\./, '')
  return withEngine({ config, stateDir, version }, output, async (engine) => {
    const source = { path: file, flow, overrides }
    const asks = await engine.flows.asks(source)
    const view = await engine.flows.add(
      source,
      asks.map(({ key }) => key),
    )
    for (const { severity, code, message } of view.problems)
      if (severity === 'warning') process.stderr.write(`paddock: ${code}: ${message}\n`)
    refuseUnknownNodes(view, configs)
    if (needsDevnet(engine, view)) await engine.startDevnet()
    return work({ engine, view, start: { configs, ends: endsOf(target, view) } })
  })
}

/** Whether the flow takes from the local chain, and nobody says where that is. */
function needsDevnet(engine: Engine, { graph }: FlowView): boolean {
  if (engine.chains.hasEndpoint(devnetChainId)) return false
  const ends = chainEndsOf(devnetChainId)
  return graph.nodes.some(({ isHost, body }) => isHost && ends.includes(body))
}

export interface FlowRunOutcome {
  readonly end: FlowEnd
  /** From the start that was asked for to the flow running, and from there to its end, in milliseconds. */
  readonly startMs: number
  readonly ranMs: number
  /** Largest resident memory that the process told, in bytes; null when it ended before it told any. */
  readonly residentBytes: number | null
  readonly endedBy: 'itself' | 'time' | 'signal'
}

export interface RunBounds {
  /** The flow is cancelled after this, in milliseconds. */
  readonly timeoutMs: number | undefined
  /** Told about four times a second while it runs. */
  readonly onTick?: (view: FlowView) => void
  /** Told once it runs. */
  readonly onRunning?: () => void
}

/** Starts the flow and waits for its end, a time or a signal; a second signal ends the process. Rejects when it did not start. */
export async function runToEnd(
  { engine, view: { id } }: AddedFlow,
  start: StartOptions,
  { timeoutMs, onTick, onRunning }: RunBounds,
): Promise<FlowRunOutcome> {
  let endedBy: FlowRunOutcome['endedBy'] = 'itself'
  let residentBytes: number | null = null
  const stop = (why: FlowRunOutcome['endedBy']): void => {
    if (endedBy !== 'itself') return
    endedBy = why
    engine.flows.cancel(id).catch(() => undefined)
  }
  const onSignal = (): void => {
    if (endedBy === 'signal') process.exit(130)
    stop('signal')
  }
  const look = (): void => {
    const now = engine.flows.list().find((each) => each.id === id)
    if (now === undefined) return
    if (now.residentBytes !== null) residentBytes = Math.max(residentBytes ?? 0, now.residentBytes)
    onTick?.(now)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const unlisten = engine.flows.onDidChange(look)
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  try {
    const starting = engine.flows.start(id, start)
    const ending = engine.flows.ended(id)
    ending.catch(() => undefined)
    // One that fails to start has an end too, which says more than the rejection.
    await starting.catch((error: unknown) => {
      if (endedBy === 'itself') throw error
    })
    const running = performance.now()
    if (timeoutMs !== undefined) timer = setTimeout(() => stop('time'), timeoutMs)
    onRunning?.()
    const end = await ending
    return { end, startMs: running - began, ranMs: performance.now() - running, residentBytes, endedBy }
  } finally {
    clearTimeout(timer)
    unlisten()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

/** 0 completed or ended in time, 1 failed, 130 by a signal (spec flows 12). */
export function exitOf({ end, endedBy }: FlowRunOutcome): number {
  if (endedBy === 'signal') return 130
  return end.state === 'failed' ? 1 : 0
}

/** Elements a second over the time that the flow was active; null when it was too short to say. */
export function throughputOf({ elements, activeNs }: FlowFigures): number | null {
  return activeNs > 0 && elements > 0 ? (elements * 1e9) / activeNs : null
}

function splitSettings(settings: readonly string[]): {
  configs: Record<string, string>
  overrides: Record<string, string>
} {
  const configs: Record<string, string> = {}
  const overrides: Record<string, string> = {}
  for (const setting of settings) {
    const at = setting.indexOf('=')
    if (at <= 0)
      throw new PaddockError(
        'usage.invalid',
        `--config takes NODE=CONFIG or KEY.PATH=VALUE, and got "${setting}".`,
      )
    const key = setting.slice(0, at)
    const into = key.includes('.') ? overrides : configs
    into[key] = setting.slice(at + 1)
  }
  return { configs, overrides }
}

function refuseUnknownNodes({ graph }: FlowView, configs: Readonly<Record<string, string>>): void {
  for (const node of Object.keys(configs)) {
    if (graph.nodes.some(({ name }) => name === node)) continue
    const names = graph.nodes.map(({ name }) => name).join(', ')
    throw new PaddockError('usage.invalid', `The flow has no node "${node}"; it has ${names}.`)
  }
}

function endsOf({ input, output }: FlowTarget, { graph }: FlowView): Record<string, LinesEnd> {
  const ends: Record<string, LinesEnd> = {}
  const replace = (role: 'source' | 'sink', file: string | undefined, option: string): void => {
    if (file === undefined) return
    const nodes = graph.nodes.filter((node) => node.role === role)
    const [only] = nodes
    if (only === undefined || nodes.length > 1)
      throw new PaddockError(
        'usage.invalid',
        `${option} needs a flow with one ${role}; this one has ${nodes.length}.`,
      )
    ends[only.name] = { kind: 'lines', file }
  }
  replace('source', input, '--input')
  replace('sink', output, '--output')
  return ends
}
