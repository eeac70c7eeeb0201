/** The metrics of spec nexum-host 14.2 with their shipped aliases, in a registry of the engine's own. */
import { Registry } from 'prom-client'
import type { Dispatch } from '../../../shared/domain/module.ts'
import type { MetricPoint } from '../../contracts/decider/metrics.ts'
import { observeActors, type ActorsFigure } from './actors.ts'
import { observeDeciders } from './deciders.ts'
import { observeFlows, type FlowFigure } from './flows.ts'
import { chainLabel, methodLabel, schemeLabel, type LabelBounds } from './labels.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import type { DropReason, MetricsPort, Outcome, StreamKind } from './metrics-port.ts'
import { observeEngine, type EngineFigure } from './observed.ts'
import { observeTools, type ToolsFigure } from './tools.ts'

export interface MetricRegistryOptions {
  readonly bounds: LabelBounds
  /** Read at each scrape. */
  readonly figures: () => EngineFigure
}

export class MetricRegistry implements MetricsPort {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8'
  private readonly registry = new Registry()
  private readonly instruments: Instruments
  private readonly bounds: LabelBounds
  private readonly behind = new Map<string, number>()

  constructor({ bounds, figures }: MetricRegistryOptions) {
    this.bounds = bounds
    this.instruments = createInstruments(this.registry)
    observeEngine(this.registry, figures)
  }

  /** Tells the figures of deciders too; `points` is read at each scrape. */
  observeDeciders(points: () => readonly MetricPoint[]): void {
    observeDeciders(this.registry, points)
  }

  /** Tells the figures of actors too; `figures` is read at each scrape. */
  observeActors(figures: () => readonly ActorsFigure[]): void {
    observeActors(this.registry, figures)
  }

  /** Tells the figures of flows too; `figures` is read at each scrape. */
  observeFlows(figures: () => readonly FlowFigure[]): void {
    observeFlows(this.registry, figures)
  }

  /** Tells the figures of tools too; `figure` is read at each scrape. */
  observeTools(figure: () => ToolsFigure): void {
    observeTools(this.registry, figure)
  }

  /** The Prometheus text of everything counted so far. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  rpcRequest(
    chainId: string,
    method: string,
    outcome: Outcome,
    durationMs: number,
    endpoint: string | null,
  ): void {
    const { rpcRequests, rpcErrors, rpcSeconds, chainRequests } = this.instruments
    const labels = this.rpcLabels(chainId, method)
    rpcRequests.inc(labels)
    chainRequests.inc({ ...labels, outcome })
    if (outcome === 'err') rpcErrors.inc({ ...labels, endpoint: endpoint ?? 'none' })
    if (endpoint !== null) rpcSeconds.observe(labels, durationMs / 1_000)
  }

  rpcFallback(chainId: string): void {
    this.instruments.rpcFallbacks.inc({ chain_id: chainLabel(chainId, this.bounds) })
  }

  reconnect(chainId: string, kind: StreamKind, module?: string): void {
    const chain = { chain_id: chainLabel(chainId, this.bounds) }
    this.instruments.reconnects.inc(chain)
    this.instruments.streamReconnects.inc({ kind, ...chain, ...(module === undefined ? {} : { module }) })
  }

  blocksBehind(chainId: string, blocks: number): void {
    if (this.bounds.isConfigured(chainId)) this.behind.set(chainId, blocks)
    this.instruments.blocksBehind.set({ chain_id: chainLabel(chainId, this.bounds) }, blocks)
  }

  /** The last lag told of a chain; 0 when none was. */
  blocksBehindOf(chainId: string): number {
    return this.behind.get(chainId) ?? 0
  }

  signature(module: string, account: string): void {
    this.instruments.signatures.inc({ module, account: account.toLowerCase() })
  }

  signError(module: string, code: string): void {
    this.instruments.signErrors.inc({ module, error_code: code })
  }

  cowSubmit(chainId: string, outcome: Outcome): void {
    this.instruments.cowSubmits.inc({ chain_id: chainLabel(chainId, this.bounds), outcome })
  }

  contentFetch(scheme: string, ok: boolean): void {
    const labels = { scheme: schemeLabel(scheme) }
    this.instruments.contentFetches.inc(labels)
    if (!ok) this.instruments.contentErrors.inc(labels)
  }

  dropped(module: string, eventType: string, reason: DropReason, count = 1): void {
    this.instruments.eventsDropped.inc({ module, event_type: eventType, reason }, count)
    this.instruments.dispatchDropped.inc({ module, event_kind: eventType }, count)
  }

  capped(chainId: string, method: string): void {
    this.instruments.responsesCapped.inc(this.rpcLabels(chainId, method))
  }

  /** One guest call that ended. Each of its series is kept until the engine ends. */
  dispatch(module: string, dispatch: Dispatch): void {
    const { instruments } = this
    const labels = { module, event_type: dispatch.eventType }
    const seconds = dispatch.durationMs / 1_000
    instruments.eventsDispatched.inc(labels)
    if (dispatch.result === 'committed') instruments.eventsProcessed.inc(labels)
    else {
      instruments.eventsFailed.inc(labels)
      instruments.moduleErrors.inc({ module, error_kind: errorKind(dispatch) })
    }
    instruments.eventSeconds.observe(labels, seconds)
    instruments.eventLatency.observe({ module, event_kind: dispatch.eventType }, seconds)
    if (dispatch.fuel !== null) instruments.fuel.observe({ module }, dispatch.fuel)
  }

  private rpcLabels(chainId: string, method: string): { chain_id: string; method: string } {
    return { chain_id: chainLabel(chainId, this.bounds), method: methodLabel(method, this.bounds) }
  }
}

/** `trap`, or the kind of the error the guest answered with. */
function errorKind({ result, error }: Dispatch): string {
  const kind = error?.details?.['kind']
  return result === 'rolled-back' && typeof kind === 'string' ? kind : 'trap'
}
