/** Event modules while they live: `init` once a run, then every subscribed event in order (spec nexum-host 10–12). */
import type { LogDetails } from '../../../shared/domain/log.ts'
import type { Dispatch } from '../../../shared/domain/module.ts'
import {
  Dispatcher,
  type DispatcherLegacy,
  type DispatcherOptions,
  type ModuleEvent,
} from '../../events/dispatcher.ts'
import { RateBucket } from '../../events/rate-bucket.ts'
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import { runInit } from '../run-init.ts'
import type { ContractSession, InitOutcome, LoadedStore, SessionContext } from '../session.ts'
import { ModuleSources, type Taken } from './module-sources.ts'

export class EventModuleSession implements ContractSession {
  private readonly context: SessionContext
  private readonly dispatcher: Dispatcher
  private readonly sources: ModuleSources
  private cursors: Readonly<Record<string, string>> = {}

  constructor(context: SessionContext, predecessor: ContractSession | undefined) {
    this.context = context
    const legacy = predecessor instanceof EventModuleSession ? predecessor.handOver() : undefined
    if (legacy === undefined) predecessor?.close()
    this.sources = new ModuleSources({
      context,
      offer: (event) => this.dispatcher.offer(event),
      taken: legacy?.taken,
    })
    const options: DispatcherOptions = {
      clock: context.clock,
      // The operator may change limits while the module runs: each is looked up when it applies.
      get capacity() {
        return context.limits.queueEvents
      },
      get fuelPerCall() {
        return context.limits.fuelPerCall
      },
      get deadlineMs() {
        return context.limits.deadlineMs
      },
      admission: context.admission,
      onDispatch: (dispatch, reply, event) => {
        event.onSettled?.(dispatch)
        if (dispatch.result === 'committed') context.onHealthy()
        if (dispatch.result === 'rolled-back' && dispatch.error !== null) {
          context.log(
            'warn',
            'rolled_back',
            `The ${dispatch.eventType} event was rolled back: ${dispatch.error.message}`,
            dispatch.error.code,
            { ...event.context, ...errorDetails(dispatch) },
          )
        }
        context.recordDispatch(dispatch, reply)
      },
      rate: new RateBucket(context.clock, context.rate),
      onDropped: (count, reason, events) => {
        for (const [eventType, dropped] of countByType(events))
          context.recordDropped(dropped, reason, eventType)
        context.log(
          'warn',
          'queue_overflow',
          reason === 'rate'
            ? `${count} events were dropped: more than ${context.rate.refillPerSec} a second came in.`
            : `${count} waiting events were dropped: the queue of ${context.limits.queueEvents} is full.`,
        )
      },
      onFailed: (error) => context.onFailed(error),
    }
    this.dispatcher = new Dispatcher(options, legacy?.events)
  }

  get queued(): number {
    return this.dispatcher.queued
  }

  initialise(sandbox: Sandbox, store: LoadedStore, run: number): Promise<InitOutcome> {
    this.dispatcher.reconcile(store.lastSequence, run)
    this.cursors = store.cursors
    return runInit(this.context, sandbox, this.dispatcher.takeSequence())
  }

  open(sandbox: Sandbox, run: number): void {
    this.dispatcher.attach(sandbox, run)
    this.sources.open(this.cursors)
  }

  detach(): void {
    this.dispatcher.detach()
  }

  close(): void {
    this.sources.end()
    this.dispatcher.clear()
  }

  /** Ends this session for the one of the next version: nothing that waits is lost, nothing comes twice. */
  private handOver(): { readonly events: DispatcherLegacy; readonly taken: Taken } {
    this.sources.close()
    return { events: this.dispatcher.handOver(), taken: this.sources.taken }
  }
}

function errorDetails({ dispatch, durationMs, error }: Dispatch): LogDetails {
  const { domain, kind } = error?.details ?? {}
  return {
    dispatch,
    latencyMs: durationMs,
    ...(typeof domain === 'string' ? { domain } : {}),
    ...(typeof kind === 'string' ? { kind } : {}),
  }
}

function countByType(events: readonly ModuleEvent[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { context } of events) {
    const type = context.eventType ?? 'call'
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return counts
}
