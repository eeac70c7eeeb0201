/** Event modules while they live: `init` once a run, then every subscribed event in order (spec nexum-host 10–12). */
import { type GuestConfig, type GuestEvent } from '../../../shared/contracts/event-module.ts'
import type { LogContext } from '../../../shared/domain/log.ts'
import type { Subscription } from '../../../shared/domain/module.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import type { BlockEvent } from '../../chains/header.ts'
import type { CallEnd } from '../../events/admission.ts'
import { Dispatcher } from '../../events/dispatcher.ts'
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

  constructor(context: SessionContext) {
    this.context = context
    this.dispatcher = new Dispatcher({
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
      onDropped: (count) => {
        context.recordDropped(count)
        context.log(
          'warn',
          'queue_overflow',
          `${count} waiting events were dropped: the queue of ${context.limits.queueEvents} is full.`,
        )
      },
      onFailed: (error) => context.onFailed(error),
    })
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
    for (const close of this.closers) close()
    this.closers = []
    this.isOpen = false
    this.dispatcher.clear()
  }

  private subscribe(subscription: Subscription): void {
    const { sources } = this.context
    switch (subscription.kind) {
      case 'block': {
        const known = this.cursors[blockSource(subscription.chainId)]
        const from = subscription.backfill && known !== undefined ? parseBlockCursor(known) : null
        this.closers.push(sources.blocks(subscription.chainId, from, (block) => this.onBlock(block)))
        return
      }
      case 'cron':
        this.closers.push(
          sources.cron(subscription.schedule, (firedAt) => this.onTick(firedAt)),
        )
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

  private onBlock(block: BlockEvent): void {
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
