/**
 * What a module needs before a call is sent to its sandbox: an execution permit (spec tools 9) and a budget
 * (spec tools 12).
 *
 * A permit covers a module with calls under way: a guest runs one call at a time, so that is one execution. While nobody
 * waits at the gate, taking and returning it is counting up and down; when others wait, a module gives way after its
 * turn. Every call has a reservation of its own, settled on every way out.
 */
import type { ModuleLimits } from '../../shared/domain/limits.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallUsage } from '../../shared/sandbox/protocol.ts'
import type { Clock } from '../clock.ts'
import { dimensionIndex, toVector, type Amounts, type AmountVector } from '../governor/amounts.ts'
import type { Lane } from '../governor/account.ts'
import { denialError } from '../governor/denials.ts'
import { lifetimeSlackMs, renewEveryMs, type Governor } from '../governor/governor.ts'
import type { Denial } from '../governor/events.ts'
import type { Gate } from '../sandboxes/gates/gate.ts'
import { takePatiently } from '../sandboxes/gates/patience.ts'

/** Calls after which a module gives way when others wait. */
export const callsPerTurn = 64
/** Milliseconds after which it does. */
export const turnMs = 100
/** Longest wait at a gate in a row: part of a reservation's lifetime (spec tools 12). */
const queueBoundMs = 30_000
/** A budget that ran out may have room again when its period ends. */
const retryBudgetMs = 5_000
/** Settlements come in bursts: one look at the room they made is enough. */
const roomDelayMs = 50
/** Calls sent ahead at least: the running one and the next. */
const leastAhead = 2

const fuelIndex = dimensionIndex('fuel')
const timeIndex = dimensionIndex('wall_clock_ms')

export interface AdmissionOptions {
  /** Name of the module, whose turn it is at the gate. */
  readonly owner: string
  readonly clock: Clock
  readonly gate: Gate
  readonly governor: Governor
  readonly lane: Lane
  /** As they are now; looked up for each call. */
  readonly limits: Pick<ModuleLimits, 'fuelPerCall' | 'deadlineMs'>
  /** Calls must wait for a budget; told once until they go on. */
  readonly onDelayed: (error: ErrorReport) => void
}

/** Leave to send one call, with what it may use; given back through `settle` exactly once. */
export interface Ticket {
  readonly reservation: string
  readonly fuel: number
  readonly deadlineMs: number
  readonly since: number
}

/** How a call ended: with what it used, not started, or with its sandbox while it was the one that may have run. */
export type CallEnd = CallUsage | 'not-started' | 'lost'

export class Admission {
  private readonly options: AdmissionOptions
  private usual: AmountVector
  private readonly out = new Map<string, Ticket>()
  private readonly roomListeners = new Set<() => void>()
  private permit: 'none' | 'waiting' | 'held' = 'none'
  private leaveQueue = new AbortController()
  private turnBegan = 0
  private turnCalls = 0
  private lastEnd = 0
  /** Milliseconds a call takes, smoothed; undefined before the first. */
  private callMs: number | undefined
  private delayed = false
  private withdrawn = false
  private stopListening: (() => void) | undefined
  private stopRenewing: (() => void) | undefined

  constructor(options: AdmissionOptions) {
    this.options = options
    this.usual = estimate(options.limits)
  }

  /** Calls that are admitted and not settled. */
  get outstanding(): number {
    return this.out.size
  }

  /** Called when a call that was not admitted may be now. */
  onRoom(listener: () => void): () => void {
    this.roomListeners.add(listener)
    return () => this.roomListeners.delete(listener)
  }

  /** Leave to send one more call now; otherwise undefined, and `onRoom` or a settlement says when to ask again. */
  admit(): Ticket | undefined {
    if (!this.mayRun()) return undefined
    const { governor, lane, clock, limits } = this.options
    if (limits.fuelPerCall !== this.usual[fuelIndex] || limits.deadlineMs !== this.usual[timeIndex]) {
      this.usual = estimate(limits)
    }
    const amounts = lane.limited ? this.withinCallLimits() : this.usual
    // Sending ahead is a convenience: without room for it there is nothing to complain about.
    if (this.out.size > 0 && lane.limited && !governor.hasRoom(lane, amounts)) return undefined
    const grant = governor.reserveOn(lane, amounts, queueBoundMs + limits.deadlineMs + lifetimeSlackMs)
    if (!grant.granted) {
      this.waitForBudget(grant.denial)
      this.returnPermitIfIdle()
      return undefined
    }
    this.stopWaitingForBudget()
    this.delayed = false
    this.withdrawn = false
    this.turnCalls += 1
    const { id } = grant.reservation
    const ticket: Ticket = {
      reservation: id,
      fuel: amounts[fuelIndex] ?? 0,
      deadlineMs: amounts[timeIndex] ?? 0,
      since: clock.monotonicMs(),
    }
    this.out.set(id, ticket)
    this.stopRenewing ??= clock.every(renewEveryMs, () => this.renew())
    return ticket
  }

  /** Waits for leave to send a call outside the queue. Throws `sandbox.cancelled` once `signal` is aborted. */
  admitWhenFree(signal: AbortSignal): Promise<Ticket> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stopListening()
        signal.removeEventListener('abort', abort)
      }
      const abort = (): void => {
        settle()
        reject(new PaddockError('sandbox.cancelled', 'The call was called off before it was admitted.'))
      }
      const attempt = (): void => {
        const ticket = this.admit()
        if (ticket === undefined) return
        settle()
        resolve(ticket)
      }
      const stopListening = this.onRoom(attempt)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      else attempt()
    })
  }

  /** Ends a call: what it used is counted, what it held comes free. A second time changes nothing. */
  settle(ticket: Ticket, end: CallEnd): void {
    if (!this.out.delete(ticket.reservation)) return
    const { governor, clock } = this.options
    try {
      if (end === 'not-started') governor.release(ticket.reservation)
      else if (end === 'lost') governor.reconcile(ticket.reservation, this.atMost(ticket))
      else governor.reconcile(ticket.reservation, usedBy(end))
    } catch (error) {
      // The governor has told of it; the permit must come back all the same.
      if (!(error instanceof PaddockError)) throw error
    } finally {
      this.lastEnd = clock.monotonicMs()
      if (typeof end !== 'string') this.learn(end.durationUs / 1_000)
      this.returnPermitIfIdle()
      if (this.withdrawn) this.stopRenewingIfIdle()
    }
  }

  /** Leaves every queue: there is nothing to send for now. Calls under way keep what they have. */
  withdraw(): void {
    this.leaveQueue.abort()
    this.leaveQueue = new AbortController()
    if (this.permit === 'waiting') this.permit = 'none'
    this.stopWaitingForBudget()
    this.withdrawn = true
    this.stopRenewingIfIdle()
  }

  private mayRun(): boolean {
    const { gate, clock } = this.options
    switch (this.permit) {
      case 'waiting':
        return false
      case 'none':
        if (!gate.tryTake()) {
          void this.waitForPermit()
          return false
        }
        this.beginTurn()
        return true
      case 'held': {
        if (this.out.size >= this.window()) return false
        if (gate.waiting === 0 || this.out.size === 0) return true
        return this.turnCalls < callsPerTurn && clock.monotonicMs() - this.turnBegan < turnMs
      }
    }
  }

  /** As many calls ahead as a turn holds: what is sent cannot be called back when others begin to wait. */
  private window(): number {
    return this.callMs === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(leastAhead, Math.ceil(turnMs / Math.max(this.callMs, 0.001)))
  }

  private beginTurn(): void {
    this.permit = 'held'
    this.turnCalls = 0
    this.turnBegan = this.options.clock.monotonicMs()
  }

  private async waitForPermit(): Promise<void> {
    const { gate, owner, clock } = this.options
    const { signal } = this.leaveQueue
    this.permit = 'waiting'
    try {
      await takePatiently(gate, owner, clock, signal)
    } catch {
      // Only leaving the queue ends the wait without a permit.
      return
    }
    if (signal.aborted) {
      gate.giveBack()
      return
    }
    this.beginTurn()
    this.tellRoom()
    this.returnPermitIfIdle()
  }

  private returnPermitIfIdle(): void {
    if (this.permit !== 'held' || this.out.size > 0) return
    this.permit = 'none'
    this.options.gate.giveBack()
  }

  private waitForBudget(denial: Denial): void {
    if (!this.delayed) {
      this.delayed = true
      this.options.onDelayed(denialError(denial).toReport())
    }
    if (this.stopListening !== undefined) return
    const { governor, clock } = this.options
    const look = (): void => {
      this.stopWaitingForBudget()
      this.tellRoom()
    }
    const stopTimer = clock.after(retryBudgetMs, look)
    let stopSoon = (): void => undefined
    let soon = false
    const stopRoom = governor.onRoom(() => {
      if (soon) return
      soon = true
      stopSoon = clock.after(roomDelayMs, look)
    })
    this.stopListening = () => {
      stopTimer()
      stopSoon()
      stopRoom()
    }
  }

  private stopWaitingForBudget(): void {
    this.stopListening?.()
    this.stopListening = undefined
  }

  private tellRoom(): void {
    for (const listener of [...this.roomListeners]) listener()
  }

  /** A limit per call narrows the call; one of 0 stays, and is refused by name. */
  private withinCallLimits(): AmountVector {
    const amounts = this.usual.slice()
    for (const index of [fuelIndex, timeIndex]) {
      for (const account of this.options.lane.accounts) {
        const most = Math.floor(account.perCall(index))
        if (most > 0) amounts[index] = Math.min(amounts[index] ?? 0, most)
      }
    }
    return amounts
  }

  /** A call whose sandbox died under it: its fuel is not known, so all it might use counts. */
  private atMost(ticket: Ticket): Amounts {
    const began = Math.max(ticket.since, this.lastEnd)
    return {
      fuel: ticket.fuel,
      wall_clock_ms: Math.max(0, this.options.clock.monotonicMs() - began),
      invocations: 1,
    }
  }

  private learn(ms: number): void {
    this.callMs = this.callMs === undefined ? ms : this.callMs + (ms - this.callMs) / 8
  }

  /** Started with the first call and kept for the next: a timer for each call would cost more than it. */
  private stopRenewingIfIdle(): void {
    if (this.out.size > 0) return
    this.stopRenewing?.()
    this.stopRenewing = undefined
  }

  private renew(): void {
    this.stopRenewingIfIdle()
    for (const id of this.out.keys()) this.options.governor.renew(id)
  }
}

/** The most that a call may use (spec tools 12). */
function estimate(limits: AdmissionOptions['limits']): AmountVector {
  return toVector({ fuel: limits.fuelPerCall, wall_clock_ms: limits.deadlineMs, invocations: 1 })
}

function usedBy(usage: CallUsage): Amounts {
  return { fuel: usage.fuel ?? 0, wall_clock_ms: usage.durationUs / 1_000, invocations: 1 }
}
