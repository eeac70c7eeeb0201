/** One node's turn: the call, and what its answer means (spec flows 5.3, 6.4). */
import { PaddockError } from '../../../../../shared/errors.ts'
import type { CallOutcome, StageFault } from '../../stages/stage.ts'
import { drainProbeMs, type Ending } from '../ends/ending.ts'
import type { Faults } from '../faults/faults.ts'
import { faultFailure, queueFull } from '../faults/fault-text.ts'
import type { FlowRun } from '../flow-run.ts'
import { FlowElement } from '../graph/element.ts'
import type { EdgeState, NodeState } from '../graph/node-state.ts'
import { slowElementNs } from '../metrics/spans.ts'
import { Flushes, type TurnsParts } from './flushes.ts'
import type { Queues } from '../graph/queues.ts'
import { callNames, type StageCalls } from './stage-calls.ts'

const nsPerMs = 1_000_000

export class Turns {
  private readonly run: FlowRun
  private readonly queues: Queues
  private readonly calls: StageCalls
  private readonly faults: Faults
  private readonly ending: Ending
  private readonly flushes: Flushes
  /** Edges of the ports that a router chose; used again and again. */
  private readonly targets: EdgeState[] = []

  constructor({ run, queues, calls, faults, ending }: TurnsParts) {
    this.run = run
    this.queues = queues
    this.calls = calls
    this.faults = faults
    this.ending = ending
    this.flushes = new Flushes({ run, queues, calls, faults, ending })
  }

  /** Serves a node that is ready. */
  serve(node: NodeState): void {
    if (node.role === 'source') {
      this.pull(node)
      return
    }
    if (node.current === null && node.flushed !== null) this.flushes.handOn(node)
    else if (node.current === null && node.wantsFlush) this.flushes.flush(node)
    else this.accept(node)
    if (node.openInputs === 0 && node.pending === 0) this.ending.inputsEnded(node)
  }

  /** A full queue of policy `error` behind a node that could be served (spec flows 6.3). False when that changes nothing. */
  refuse(node: NodeState): boolean {
    if (this.ending.kind !== null) return false
    if (node.role === 'source') {
      let isNew = false
      for (const edge of node.outputs) {
        if (!edge.refuses || !edge.isPressed || edge.hasRefused) continue
        edge.hasRefused = true
        isNew = true
      }
      if (!isNew) return false
      node.meter.addError('unavailable')
      this.run.errors += 1
      this.run.reporter.event(
        'component.error',
        'warn',
        node.plan.name,
        `Stage "${node.plan.name}" failed in pull: unavailable: queue full`,
      )
      return true
    }
    if (node.current === null && node.openInputs === 0 && node.wantsFlush) return false
    const element = node.current ?? this.queues.take(node)
    this.faults.handle(node, element, 'emit', queueFull, false)
    if (node.openInputs === 0 && node.pending === 0) this.ending.inputsEnded(node)
    return true
  }

  /** Tells a sink that nothing more comes. */
  complete(node: NodeState): void {
    const outcome = this.calls.complete(node)
    const fault = this.calls.fault(node, outcome)
    if (fault === null) return
    const { name } = node.plan
    if (outcome === 'trap') node.isDead = true
    node.meter.addError(fault.case)
    this.run.errors += 1
    const failure = faultFailure(name, 'complete', null, fault, outcome === 'trap')
    const error = new PaddockError(failure.error.code, `The sink did not finish: ${failure.error.message}`, {
      details: failure.error.details ?? {},
    })
    this.run.reporter.event('component.error', 'error', name, error.message)
    this.ending.incomplete(node, error.toReport(), fault.case)
  }

  /** Tells a source that back-pressure came or went, once per change (spec flows 6.5). */
  tellSource(node: NodeState): void {
    node.mayTell = false
    const pauses = node.pressedOutputs > 0
    if (node.isDone || this.ending.kind !== null || pauses === node.toldPause) return
    node.toldPause = pauses
    const outcome = this.calls.notify(node, pauses ? 'pause' : 'ready')
    if (!pauses && node.awaitsReady) {
      node.awaitsReady = false
      node.notBefore = 0
    }
    const fault = this.calls.fault(node, outcome)
    if (fault !== null) this.faults.handle(node, null, 'notify-backpressure', fault, outcome === 'trap')
  }

  private pull(node: NodeState): void {
    const { run } = this
    const traced = run.traces && run.spans.sample(run.nowMs)
    if (node.circuit !== null) node.circuit.isOpenAt(run.nowMs)
    const outcome = this.calls.pull(node, traced)
    const fault = this.calls.fault(node, outcome)
    if (fault !== null) {
      if (outcome === 'emit') node.stage.output?.buffer.release()
      this.faults.handle(node, null, 'pull', fault, outcome === 'trap')
      return
    }
    node.backoffMs = 0
    this.succeed(node)
    if (outcome === 'none') {
      if (node.toldPause) {
        // It is asked again once it was told that it may go on (spec flows 5.3).
        node.awaitsReady = true
        node.notBefore = Number.POSITIVE_INFINITY
      } else this.ending.exhausted(node)
      return
    }
    const { output } = node.stage
    if (outcome !== 'emit' || output === null) throw this.unexpected(node, outcome)
    const { nowMs } = run
    run.elements += 1
    const contentType = output.contentType === '' ? output.buffer.contentTypeHint : output.contentType
    const element = new FlowElement(
      run.clock.wallNs(nowMs),
      contentType,
      output.buffer,
      nowMs * nsPerMs,
      traced,
      run.call,
    )
    this.emit(node, node.outputs, element, 'pull')
    if (run.elements === run.plan.elementLimit) this.ending.limitReached()
  }

  private accept(node: NodeState): void {
    const { run, queues } = this
    const element = node.current ?? queues.take(node)
    if (node.circuit?.isOpenAt(run.nowMs) === true) {
      queues.lose(node, element, 'error')
      queues.skipNumber(node)
      return
    }
    const outcome = this.calls.accept(node, element)
    const fault = this.calls.fault(node, outcome)
    if (fault !== null) {
      if (outcome === 'emit') node.stage.output?.buffer.release()
      this.faults.handle(node, element, callNames[node.role], fault, outcome === 'trap')
      return
    }
    this.succeed(node)
    switch (outcome) {
      case 'emit': {
        const { output } = node.stage
        if (output === null) throw this.unexpected(node, outcome)
        const contentType = output.contentType === '' ? output.buffer.contentTypeHint : output.contentType
        const isAggregate = node.role === 'aggregator'
        if (isAggregate) this.ingested(node, element)
        const next = new FlowElement(
          isAggregate ? node.newestNs : element.timestampNs,
          contentType,
          output.buffer,
          element.pulledNs,
          element.traced,
          run.call,
        )
        queues.settle(node)
        element.buffer.release()
        this.emit(node, node.outputs, next, 'process')
        return
      }
      case 'none':
        if (node.role === 'aggregator') {
          this.ingested(node, element)
          queues.settle(node)
          element.buffer.release()
        } else queues.lose(node, element, 'stage')
        return
      case 'pass':
        queues.settle(node)
        element.span = run.call
        this.emit(node, node.outputs, element, 'evaluate')
        return
      case 'reject':
        queues.lose(node, element, 'filter')
        return
      case 'routed':
        this.route(node, element)
        return
      case 'ready':
      case 'pause':
        this.delivered(node, element, outcome === 'pause')
        return
      default:
        throw this.unexpected(node, outcome)
    }
  }

  private route(node: NodeState, element: FlowElement): void {
    const { ports } = node.stage
    const { targets, queues } = this
    targets.length = 0
    let unknown: string | null = null
    for (let place = 0; place < ports.length; place += 1) {
      const port = ports[place]
      if (port === undefined || ports.indexOf(port) < place) continue
      const edges = node.ports.get(port)
      if (edges === undefined) {
        unknown ??= port
        node.meter.unknownPorts += 1
      } else for (const edge of edges) targets.push(edge)
    }
    if (targets.length > 0) {
      queues.settle(node)
      element.span = this.run.call
      this.emit(node, targets, element, 'route')
    } else if (unknown === null) queues.lose(node, element, 'no-port')
    if (unknown === null) return
    const message = `Router "${node.plan.name}" chose port "${unknown}", which has no edge. (E0460)`
    const fault: StageFault = { case: 'invalid-input', message, trap: null }
    this.faults.handle(node, targets.length > 0 ? null : element, 'route', fault, false)
  }

  private delivered(node: NodeState, element: FlowElement, pauses: boolean): void {
    const { run, queues } = this
    run.delivered += 1
    node.meter.elementsOut += 1
    if (run.measures) {
      const ns = run.nowMs * nsPerMs - element.pulledNs
      run.latency.record(ns)
      if (run.traces && ns > slowElementNs) run.spans.promote(run.nowMs)
    }
    queues.settle(node)
    element.buffer.release()
    if (pauses) this.pause(node)
    else if (node.isPaused) {
      node.isPaused = false
      node.probeMs = node.plan.pauseProbeMs[0]
      queues.relieve(node)
    }
  }

  /** Closes the gate of a sink for a while; one element then shows whether it takes more. */
  private pause(node: NodeState): void {
    const { run } = this
    const waitMs = this.ending.kind === null ? node.probeMs : Math.min(drainProbeMs, node.probeMs)
    node.isPaused = true
    node.notBefore = run.nowMs + waitMs
    node.probeMs = Math.min(node.plan.pauseProbeMs[1], node.probeMs * 2)
    run.remind(node.notBefore)
    for (const edge of node.inputs) this.queues.press(edge)
  }

  private ingested(node: NodeState, element: FlowElement): void {
    if (element.timestampNs > node.newestNs) node.newestNs = element.timestampNs
    node.newestPulledNs = element.pulledNs
    node.newestTraced = element.traced
  }

  private emit(node: NodeState, edges: readonly EdgeState[], element: FlowElement, call: string): void {
    node.meter.elementsOut += 1
    if (!this.queues.emit(edges, element)) this.faults.handle(node, null, call, queueFull, false)
  }

  private succeed(node: NodeState): void {
    if (node.circuit !== null || node.isRetrying) this.faults.succeed(node)
  }

  private unexpected(node: NodeState, outcome: CallOutcome): PaddockError {
    return new PaddockError('internal.bug', `Stage "${node.plan.name}" answered ${outcome} out of turn.`)
  }
}
