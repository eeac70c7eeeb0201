import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { budgetsSchema } from '../../shared/domain/budgets.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallOutcome, CallReply, GuestCall } from '../../shared/sandbox/protocol.ts'
import { Governor } from '../governor/governor.ts'
import { Gate } from '../sandboxes/gates/gate.ts'
import { Admission, callsPerTurn } from './admission.ts'
import { Dispatcher, sendAhead, type CallTarget } from './dispatcher.ts'

const minute = 60_000

async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve()
}

/** A sandbox whose guest the test plays by hand. */
class Target implements CallTarget {
  readonly calls: GuestCall[] = []
  private readonly pending = new Map<
    number,
    { resolve: (reply: CallReply) => void; reject: (error: Error) => void }
  >()
  private nextId = 1

  get unanswered(): number {
    return this.pending.size
  }

  allocateCallId(): number {
    return this.nextId++
  }

  call(call: GuestCall): Promise<CallReply> {
    this.calls.push(call)
    return new Promise((resolve, reject) => this.pending.set(call.id, { resolve, reject }))
  }

  async answer(outcome: CallOutcome = ok, durationUs = 1_000): Promise<void> {
    const [entry] = this.pending
    if (entry === undefined) return
    this.pending.delete(entry[0])
    const usage = {
      durationUs,
      hostWaitUs: 0,
      fuel: 5,
      hostCalls: 0,
      writes: 0,
      memoryBytes: 0,
      storeBytes: 0,
    }
    entry[1].resolve({ id: entry[0], outcome, usage })
    await settle()
  }

  async die(): Promise<void> {
    for (const { reject } of this.pending.values()) reject(new PaddockError('sandbox.exited', 'killed'))
    this.pending.clear()
    await settle()
  }
}

const ok: CallOutcome = { status: 'ok', value: undefined }
const trap: CallOutcome = { status: 'failed', error: new PaddockError('sandbox.trap', 'x').toReport() }

interface Module {
  readonly dispatcher: Dispatcher
  readonly admission: Admission
  readonly target: Target
  readonly delays: ErrorReport[]
  readonly limits: { fuelPerCall: number; deadlineMs: number }
  offer(count: number): void
}

interface World {
  readonly clock: ManualClock
  readonly gate: Gate
  readonly governor: Governor
  module(name: string): Module
}

async function world(permits = 64, budgets: Parameters<typeof budgetsSchema.parse>[0] = {}): Promise<World> {
  const clock = new ManualClock(Date.UTC(2026, 0, 14, 12))
  const gate = new Gate({ name: 'execute', permits, clock })
  const governor = new Governor({ clock, storage: null, budgets: budgetsSchema.parse(budgets) })
  await governor.start()
  return {
    clock,
    gate,
    governor,
    module(name) {
      const delays: ErrorReport[] = []
      const limits = { fuelPerCall: 100, deadlineMs: 30_000 }
      const admission = new Admission({
        owner: name,
        clock,
        gate,
        governor,
        lane: governor.lane({ module: name, contract: 'event-module' }),
        limits,
        onDelayed: (error) => delays.push(error),
      })
      const dispatcher = new Dispatcher({
        clock,
        capacity: 1_000,
        ...limits,
        admission,
        onDispatch: () => undefined,
        onDropped: () => undefined,
        onFailed: () => undefined,
      })
      const target = new Target()
      dispatcher.attach(target, 1)
      return {
        dispatcher,
        admission,
        target,
        delays,
        limits,
        offer(count) {
          for (let index = 0; index < count; index += 1) {
            dispatcher.offer({ operation: 'on-event', payload: index, cursor: null, context: {} })
          }
        },
      }
    },
  }
}

const idle = { permits: 0, waiting: 0, open: 0 }
function state({ gate, governor }: World): typeof idle {
  return { permits: gate.inUse, waiting: gate.waiting, open: governor.open }
}

describe('permits', () => {
  it('cover a module while it has calls under way, however many', async () => {
    const all = await world()
    const module = all.module('a')
    module.offer(5)
    expect([module.target.calls.length, state(all)]).toEqual([5, { permits: 1, waiting: 0, open: 5 }])
    for (let call = 0; call < 4; call += 1) await module.target.answer()
    expect(state(all)).toEqual({ permits: 1, waiting: 0, open: 1 })
    await module.target.answer()
    expect(state(all)).toEqual(idle)
  })

  it('are given up by a busy module after its turn when another waits', async () => {
    const all = await world(1)
    const [busy, other] = [all.module('busy'), all.module('other')]
    busy.offer(900)
    other.offer(3)
    expect([other.target.calls.length, all.gate.waiting]).toEqual([0, 1])
    let answered = 0
    while (other.target.calls.length === 0) {
      await busy.target.answer()
      answered += 1
      expect(answered).toBeLessThanOrEqual(callsPerTurn + sendAhead)
    }
    expect([busy.target.unanswered, other.target.calls.length]).toEqual([0, 3])
    const before = busy.target.calls.length
    for (let call = 0; call < 3; call += 1) await other.target.answer()
    expect(busy.target.calls.length).toBeGreaterThan(before)
  })

  it('do not wait behind more than the running call and the next of a slow module', async () => {
    const all = await world(1)
    const [slow, other] = [all.module('slow'), all.module('other')]
    slow.offer(1)
    await slow.target.answer(ok, 5_000_000)
    slow.offer(50)
    expect(slow.target.unanswered).toBe(2)
    all.clock.advance(5_000)
    other.offer(1)
    await slow.target.answer(ok, 5_000_000)
    expect(slow.target.unanswered).toBe(1)
    await slow.target.answer(ok, 5_000_000)
    expect(other.target.calls.length).toBe(1)
  })

  it('stay with a sandbox that is detached until its calls have ended', async () => {
    const all = await world(1)
    const [left, other] = [all.module('left'), all.module('other')]
    left.offer(2)
    left.dispatcher.clear()
    other.offer(1)
    await settle()
    expect([other.target.calls.length, state(all)]).toEqual([0, { permits: 1, waiting: 1, open: 2 }])
    await left.target.die()
    expect([other.target.calls.length, state(all)]).toEqual([1, { permits: 1, waiting: 0, open: 1 }])
  })

  it('are no longer waited for once there is nothing to send', async () => {
    const all = await world(1)
    const [busy, gone] = [all.module('busy'), all.module('gone')]
    busy.offer(1)
    gone.offer(1)
    expect(all.gate.waiting).toBe(1)
    gone.dispatcher.detach()
    await settle()
    expect(all.gate.waiting).toBe(0)
    await busy.target.answer()
    expect(state(all)).toEqual(idle)
    gone.dispatcher.attach(gone.target, 2)
    expect(gone.target.calls.length).toBe(1)
  })

  it('are waited for beyond what the gate lets one caller wait', async () => {
    const all = await world(1)
    const [busy, patient] = [all.module('busy'), all.module('patient')]
    busy.offer(1)
    patient.offer(1)
    for (let turn = 0; turn < 5; turn += 1) {
      all.clock.advance(31_000)
      await settle()
    }
    await busy.target.answer()
    all.clock.advance(1_000)
    await settle()
    expect(patient.target.calls.length).toBe(1)
  })
})

describe('budgets', () => {
  const daily = (dimension: string, limit: number): object => ({ dimension, limit, period: 'day' })

  it('count what calls used, and nothing for those that never began', async () => {
    const all = await world(64, {
      modules: { a: [daily('fuel', 10_000), daily('invocations', 100), daily('wall_clock_ms', 1e9)] },
    })
    const { offer, target } = all.module('a')
    offer(3)
    await target.answer()
    await target.answer({
      status: 'guest-error',
      error: { domain: 'm', kind: 'internal', code: 0, message: 'no' },
    })
    await target.answer({ status: 'not-started' })
    expect(all.governor.standings().map(({ dimension, used, held }) => [dimension, used, held])).toEqual([
      ['fuel', 10, 0],
      ['wall_clock_ms', 2, 0],
      ['invocations', 2, 0],
    ])
  })

  it('count a call whose sandbox died for all it might have used, those behind it not at all', async () => {
    const all = await world(64, {
      modules: { a: [daily('fuel', 10_000), daily('invocations', 100), daily('wall_clock_ms', 1e9)] },
    })
    const { offer, target } = all.module('a')
    offer(4)
    await target.answer()
    all.clock.advance(250)
    await target.die()
    expect(all.governor.standings().map(({ dimension, used, held }) => [dimension, used, held])).toEqual([
      ['fuel', 105, 0],
      ['wall_clock_ms', 251, 0],
      ['invocations', 2, 0],
    ])
    expect(state(all)).toEqual(idle)
  })

  it('send ahead no more than there is room for, without complaint', async () => {
    const all = await world(64, { operator: [daily('fuel', 250)] })
    const { offer, target, delays } = all.module('a')
    offer(10)
    expect(target.unanswered).toBe(2)
    await target.answer()
    expect(target.unanswered).toBe(2)
    expect(delays).toEqual([])
  })

  it('let events wait when nothing is left, say so once, and go on in the next period', async () => {
    const all = await world(64, { modules: { a: [daily('invocations', 2)] } })
    const { offer, target, delays, dispatcher } = all.module('a')
    offer(5)
    await target.answer()
    await target.answer()
    all.clock.advance(3 * minute)
    await settle()
    expect([target.calls.length, dispatcher.queued, state(all)]).toEqual([2, 3, idle])
    expect(delays).toMatchObject([
      {
        code: 'governor.limit_exceeded',
        details: { account: 'operator/module/a', dimension: 'invocations', limit: 2, used: 2 },
      },
    ])
    all.clock.advance(12 * 60 * minute)
    expect(target.calls.length).toBe(4)
    await target.answer()
    await target.answer()
    expect([target.calls.length, delays.length]).toEqual([4, 2])
  })

  it('go on as soon as another module leaves room or the operator gives more', async () => {
    const all = await world(64, { operator: [daily('fuel', 150)] })
    const [first, second] = [all.module('first'), all.module('second')]
    first.offer(1)
    second.offer(1)
    expect([second.target.calls.length, second.delays.length]).toEqual([0, 1])
    await first.target.answer()
    all.clock.advance(50)
    expect(second.target.calls.length).toBe(1)
    await second.target.answer()
    first.offer(1)
    await first.target.answer()
    expect(all.governor.standings()[0]!.used).toBe(15)
    all.governor.setBudgets(budgetsSchema.parse({ operator: [daily('fuel', 0)] }))
    first.offer(1)
    all.governor.setBudgets(budgetsSchema.parse({}))
    all.clock.advance(50)
    expect(first.target.unanswered).toBe(1)
  })

  it('narrow a call to what one call may use, and to the limits as they are now', async () => {
    const all = await world(64, {
      operator: [{ dimension: 'fuel', limit: 70 }],
      modules: { a: [{ dimension: 'wall_clock_ms', limit: 1_500 }] },
    })
    const { offer, target, limits } = all.module('a')
    offer(1)
    limits.fuelPerCall = 60
    offer(1)
    expect(target.calls.map(({ fuel, deadlineMs }) => [fuel, deadlineMs])).toEqual([
      [70, 1_500],
      [60, 1_500],
    ])
  })

  it('keep a long call held, and stop renewing when there is none', async () => {
    const all = await world(64, { operator: [daily('fuel', 1_000)] })
    const { offer, target, dispatcher } = all.module('a')
    offer(1)
    all.clock.advance(60 * minute)
    expect(all.governor.open).toBe(1)
    await target.answer()
    expect(all.governor.standings()[0]).toMatchObject({ used: 5, held: 0 })
    dispatcher.detach()
    // What is left is the governor's own sweep.
    expect(all.clock.pending).toBe(1)
  })
})

describe('a call outside the queue', () => {
  it('waits for its permit and leaves when it is called off', async () => {
    const all = await world(1)
    const [busy, fresh] = [all.module('busy'), all.module('fresh')]
    busy.offer(1)
    const called = new AbortController()
    const off = fresh.admission.admitWhenFree(called.signal)
    called.abort()
    fresh.dispatcher.detach()
    await expect(off).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    const admitted = fresh.admission.admitWhenFree(new AbortController().signal)
    await busy.target.answer()
    const ticket = await admitted
    expect(state(all)).toEqual({ permits: 1, waiting: 0, open: 1 })
    fresh.admission.settle(ticket, 'not-started')
    fresh.admission.settle(ticket, 'lost')
    expect(state(all)).toEqual(idle)
  })
})

describe('any order of events, replies, losses and cancellations', () => {
  const step = fc.record({
    module: fc.nat(2),
    do: fc.constantFrom(
      'offer',
      'offer',
      'answer',
      'answer',
      'answer',
      'guest-error',
      'trap',
      'not-started',
      'die',
      'detach',
      'attach',
      'clear',
      'advance',
    ),
    amount: fc.integer({ min: 1, max: 40 }),
  })

  it('leaves nothing held and no permit out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 2 }),
        async (steps, permits) => {
          const all = await world(permits, {
            operator: [{ dimension: 'fuel', limit: 2_000, period: 'rolling-24h' }],
            modules: { m1: [{ dimension: 'invocations', limit: 30, period: 'day' }] },
          })
          const modules = ['m0', 'm1', 'm2'].map((name) => ({ ...all.module(name), targets: [] as Target[] }))
          for (const module of modules) module.targets.push(module.target)
          for (const each of steps) {
            const module = modules[each.module]!
            const [target] = module.targets.slice(-1)
            switch (each.do) {
              case 'offer':
                module.offer(each.amount)
                break
              case 'answer':
                for (let count = 0; count < each.amount; count += 1) await target!.answer()
                break
              case 'guest-error':
                await target!.answer({
                  status: 'guest-error',
                  error: { domain: 'm', kind: 'internal', code: 0, message: 'no' },
                })
                break
              case 'trap':
                await target!.answer(trap)
                break
              case 'not-started':
                await target!.answer({ status: 'not-started' })
                break
              case 'die':
                await target!.die()
                break
              case 'detach':
                module.dispatcher.detach()
                break
              case 'attach': {
                const fresh = new Target()
                module.targets.push(fresh)
                module.dispatcher.reconcile(-1, 2)
                module.dispatcher.attach(fresh, 2)
                break
              }
              case 'clear':
                module.dispatcher.clear()
                break
              case 'advance':
                all.clock.advance(each.amount * 1_000)
                break
            }
            await settle()
            expect(all.gate.inUse).toBeLessThanOrEqual(permits)
            const working = modules.filter(({ admission }) => admission.outstanding > 0).length
            expect(all.gate.inUse).toBe(working)
            const unanswered = modules
              .flatMap(({ targets }) => targets)
              .reduce((sum, one) => sum + one.unanswered, 0)
            expect(all.governor.open).toBe(unanswered)
          }
          for (const { dispatcher } of modules) dispatcher.clear()
          for (const { targets } of modules) for (const target of targets) await target.die()
          await settle()
          expect(state(all)).toEqual(idle)
          for (const { held } of all.governor.standings()) expect(held).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})
