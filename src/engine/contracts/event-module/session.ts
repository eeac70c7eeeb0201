/** Event modules while they live: `init` once a run, then every subscribed event in order (spec nexum-host 10–12). */
import { type GuestConfig, type GuestEvent } from '../../../shared/contracts/event-module.ts'
import type { LogContext } from '../../../shared/domain/log.ts'
import type { Subscription } from '../../../shared/domain/module.ts'
import type { ChainId } from '../../../shared/domain/primitives.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import type { HandledBlock } from '../../chains/heads/head-subscriber.ts'
import type { BlockEvent } from '../../chains/heads/header.ts'
import type { CallEnd } from '../../events/admission.ts'
import {
  Dispatcher,
  type DispatcherLegacy,
  type DispatcherOptions,
  type ModuleEvent,
} from '../../events/dispatcher.ts'
import { RateBucket } from '../../events/rate-bucket.ts'
import { hostErrorReport } from '../../sandboxes/guest-errors.ts'
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import type { ContractSession, InitOutcome, LoadedStore, SessionContext } from '../session.ts'
import { blockCursor, blockSource, parseBlockCursor } from './cursors.ts'

/** Kinds of an error returned by `init` that mean: this configuration will never work (spec nexum-host 12.1). */
const rejectingKinds: readonly HostErrorKind[] = ['invalid-input', 'unsupported', 'denied']

export class EventModuleSession implements ContractSession {
  private readonly context: SessionContext
  private readonly dispatcher: Dispatcher
  private closers: (() => void)[] = []
  private isOpen = false
  private cursors: Readonly<Record<string, string>> = {}
  /** The last block of each chain that was taken into the queue; a successor's sources go on behind it. */
  private readonly taken: Map<ChainId, HandledBlock>

  constructor(context: SessionContext, predecessor: ContractSession | undefined) {
    this.context = context
    const legacy = predecessor instanceof EventModuleSession ? predecessor.handOver() : undefined
    if (legacy === undefined) predecessor?.close()
    this.taken = new Map(legacy?.taken)
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
        event.onSettled?.()
        if (dispatch.result === 'committed') context.onHealthy()
        if (dispatch.result === 'rolled-back' && dispatch.error !== null) {
          context.log(
            'warn',
            'rolled_back',
            `The ${dispatch.eventType} event was rolled back: ${dispatch.error.message}`,
            dispatch.error.code,
            event.context,
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

  async initialise(sandbox: Sandbox, store: LoadedStore, run: number): Promise<InitOutcome> {
    this.dispatcher.reconcile(store.lastSequence, run)
    this.cursors = store.cursors
    const { admission, manifest } = this.context
    const payload: GuestConfig = manifest.config.map(([key, value]) => [key, value])
    const ended = new AbortController()
    const stopListening = sandbox.onEnd(() => ended.abort())
    try {
      const ticket = await admission.admitWhenFree(ended.signal)
      let end: CallEnd = 'lost'
      const { outcome } = await sandbox
        .call({
          id: sandbox.allocateCallId(),
          sequence: this.dispatcher.takeSequence(),
          operation: 'init',
          payload,
          cursor: null,
          fuel: ticket.fuel,
          deadlineMs: ticket.deadlineMs,
          context: { eventType: 'init' },
        })
        .then((reply) => {
          end = reply.outcome.status === 'not-started' ? 'not-started' : reply.usage
          return reply
        })
        .finally(() => admission.settle(ticket, end))
      switch (outcome.status) {
        case 'ok':
          return { kind: 'ok' }
        case 'guest-error': {
          const { error } = outcome
          if (!rejectingKinds.includes(error.kind)) return { kind: 'failed', error: hostErrorReport(error) }
          const rejected = new PaddockError(
            'module.init_rejected',
            `init refused its configuration: ${error.message}`,
          )
          return { kind: 'rejected', error: rejected.toReport() }
        }
        case 'failed':
          return { kind: 'failed', error: outcome.error }
        case 'not-started':
          return {
            kind: 'failed',
            error: new PaddockError('sandbox.exited', 'init never reached the guest.').toReport(),
          }
      }
    } catch (error) {
      return { kind: 'failed', error: toErrorReport(error, 'sandbox.exited') }
    } finally {
      stopListening()
    }
  }

  open(sandbox: Sandbox, run: number): void {
    this.dispatcher.attach(sandbox, run)
    if (this.isOpen) return
    this.isOpen = true
    for (const subscription of this.context.manifest.subscriptions) this.subscribe(subscription)
  }

  detach(): void {
    this.dispatcher.detach()
  }

  close(): void {
    this.closeSources()
    this.taken.clear()
    this.dispatcher.clear()
  }

  /** Ends this session for the one of the next version: nothing that waits is lost, nothing comes twice. */
  private handOver(): {
    readonly events: DispatcherLegacy
    readonly taken: ReadonlyMap<ChainId, HandledBlock>
  } {
    this.closeSources()
    return { events: this.dispatcher.handOver(), taken: this.taken }
  }

  private closeSources(): void {
    for (const close of this.closers) close()
    this.closers = []
    this.isOpen = false
  }

  private subscribe(subscription: Subscription): void {
    const { sources } = this.context
    switch (subscription.kind) {
      case 'block': {
        const { chainId } = subscription
        const from = this.taken.get(chainId) ?? (subscription.backfill ? this.committed(chainId) : null)
        this.closers.push(sources.blocks(chainId, from, (block) => this.onBlock(block)))
        return
      }
      case 'cron':
        this.closers.push(sources.cron(subscription.schedule, (firedAt) => this.onTick(firedAt)))
        return
      case 'log':
      case 'message':
        // Said once at load, so that a starved module is no riddle.
        this.context.log(
          'warn',
          'subscription_unsupported',
          `Subscriptions of kind "${subscription.kind}" are not served yet.`,
        )
        return
    }
  }

  /** The last block whose handling the store holds. */
  private committed(chainId: ChainId): HandledBlock | null {
    const cursor = this.cursors[blockSource(chainId)]
    return cursor === undefined ? null : parseBlockCursor(cursor)
  }

  private onBlock(block: BlockEvent): void {
    this.taken.set(block.chainId, block)
    const event: GuestEvent = {
      tag: 'block',
      val: {
        chainId: BigInt(block.chainId),
        number: block.number,
        hash: block.hash,
        timestamp: block.timestampMs,
      },
    }
    const context: LogContext = {
      eventType: 'block',
      chainId: block.chainId,
      blockNumber: Number(block.number),
    }
    this.dispatcher.offer({
      operation: 'on-event',
      payload: event,
      cursor: { source: blockSource(block.chainId), value: blockCursor(block) },
      context,
    })
  }

  /** Settles when the tick was handled: until then the source sends no further one (spec nexum-host 10.5). */
  private onTick(firedAt: number): Promise<void> {
    const event: GuestEvent = { tag: 'tick', val: { firedAt: BigInt(firedAt) } }
    return new Promise((resolve) => {
      this.dispatcher.offer({
        operation: 'on-event',
        payload: event,
        cursor: null,
        context: { eventType: 'tick' },
        onSettled: resolve,
      })
    })
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
