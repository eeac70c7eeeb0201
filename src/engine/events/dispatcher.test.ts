import { describe, expect, it } from 'vitest'
import type { Dispatch } from '../../shared/domain/module.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallOutcome, CallReply, GuestCall } from '../../shared/sandbox/protocol.ts'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import {
  Dispatcher,
  maxAttempts,
  sendAhead,
  type CallTarget,
  type DispatcherOptions,
  type ModuleEvent,
} from './dispatcher.ts'
import { RateBucket } from './rate-bucket.ts'

const usage: CallReply['usage'] = {
  durationUs: 1_000,
  hostWaitUs: 0,
  fuel: 5,
  hostCalls: 0,
  writes: 0,
  memoryBytes: 0,
  storeBytes: 0,
}

/** A sandbox whose guest the test plays by hand. */
class Target implements CallTarget {
  readonly calls: GuestCall[] = []
  private readonly pending = new Map<
    number,
    { resolve: (reply: CallReply) => void; reject: (error: Error) => void }
  >()
  private nextId = 1

  allocateCallId(): number {
    return this.nextId++
  }

  call(call: GuestCall): Promise<CallReply> {
    this.calls.push(call)
    return new Promise((resolve, reject) => this.pending.set(call.id, { resolve, reject }))
  }

  /** Answers the oldest call that waits. */
  async answer(outcome: CallOutcome): Promise<void> {
    const [entry] = this.pending
    if (entry === undefined) throw new Error('nothing waits')
    this.pending.delete(entry[0])
    entry[1].resolve({ id: entry[0], outcome, usage })
    await settle()
  }

  async die(): Promise<void> {
    for (const { reject } of this.pending.values()) reject(new PaddockError('sandbox.exited', 'killed'))
    this.pending.clear()
    await settle()
  }

  get blocks(): unknown[] {
    return this.calls.map((call) => call.payload)
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve()
}

function event(block: number): ModuleEvent {
  return {
    operation: 'on-event',
    payload: block,
    cursor: null,
    context: { eventType: 'block', blockNumber: block },
  }
}

function setUp(capacity = 256): {
  dispatcher: Dispatcher
  done: Dispatch[]
  dropped: number[]
  failures: ErrorReport[]
  options: DispatcherOptions
} {
  const done: Dispatch[] = []
  const dropped: number[] = []
  const failures: ErrorReport[] = []
  const options: DispatcherOptions = {
    clock: new ManualClock(),
    capacity,
    fuelPerCall: 1,
    deadlineMs: 1,
    onDispatch: (dispatch) => done.push(dispatch),
    onDropped: (count) => dropped.push(count),
    onFailed: (error) => failures.push(error),
  }
  return { dispatcher: new Dispatcher(options), done, dropped, failures, options }
}

const ok: CallOutcome = { status: 'ok', value: undefined }

describe('dispatcher', () => {
  it('sends events in order with ascending sequence numbers, a bounded number ahead', async () => {
    const { dispatcher, done } = setUp()
    const target = new Target()
    for (let block = 1; block <= sendAhead + 5; block += 1) dispatcher.offer(event(block))
    dispatcher.attach(target, 1)
    expect(target.calls).toHaveLength(sendAhead)
    await target.answer(ok)
    expect(target.calls).toHaveLength(sendAhead + 1)
    expect(target.calls.map((call) => call.sequence)).toEqual([...Array(sendAhead + 1).keys()])
    expect(done.map((dispatch) => dispatch.result)).toEqual(['committed'])
  })

  it('spec nexum-host 18 row 64: drops the oldest of 300 on a queue of 256 and counts them', () => {
    const { dispatcher, dropped } = setUp(256)
    for (let block = 1; block <= 300; block += 1) dispatcher.offer(event(block))
    expect(dropped.reduce((sum, count) => sum + count, 0)).toBe(44)
    const target = new Target()
    dispatcher.attach(target, 1)
    expect(target.blocks[0]).toBe(45)
  })

  it('holds back what is over the rate, and drops what its source cannot tell again', async () => {
    const clock = new ManualClock()
    const { options } = setUp()
    const dropped: [number, string][] = []
    const dispatcher = new Dispatcher({
      ...options,
      clock,
      rate: new RateBucket(clock, { burst: 2, refillPerSec: 4 }),
      onDropped: (count, reason) => dropped.push([count, reason]),
    })
    const target = new Target()
    dispatcher.attach(target, 1)
    for (let block = 1; block <= 4; block += 1)
      dispatcher.offer({ ...event(block), cursor: { source: 'blocks', value: String(block) } })
    expect(target.blocks).toEqual([1, 2])
    let isSettled = false
    dispatcher.offer({ ...event(99), onSettled: () => (isSettled = true) })
    expect(dropped).toEqual([[1, 'rate']])
    expect(isSettled).toBe(true)
    clock.advance(250)
    expect(target.blocks).toEqual([1, 2, 3])
    clock.advance(249)
    expect(target.blocks).toHaveLength(3)
    clock.advance(1)
    expect(target.blocks).toEqual([1, 2, 3, 4])
    dispatcher.offer(event(5))
    expect(dropped).toHaveLength(2)
    clock.advance(10_000)
    dispatcher.offer(event(6))
    expect(target.blocks).toEqual([1, 2, 3, 4, 6])
    dispatcher.detach()
    expect(clock.pending).toBe(0)
    await settle()
  })

  it('keeps the module alive when the guest returns an error', async () => {
    const { dispatcher, done, failures } = setUp()
    const target = new Target()
    dispatcher.attach(target, 1)
    dispatcher.offer(event(1))
    await target.answer({
      status: 'guest-error',
      error: { domain: 'm', kind: 'internal', code: 0, message: 'no' },
    })
    expect(done[0]).toMatchObject({ result: 'rolled-back', error: { code: 'guest.error' } })
    expect(failures).toEqual([])
  })

  it('does not repeat an event that trapped, and repeats those behind it in order', async () => {
    const { dispatcher, done, failures } = setUp()
    const first = new Target()
    dispatcher.attach(first, 1)
    for (const block of [1, 2, 3]) dispatcher.offer(event(block))
    await first.answer({ status: 'failed', error: new PaddockError('sandbox.trap', 'x').toReport() })
    await first.answer({ status: 'not-started' })
    await first.answer({ status: 'not-started' })
    dispatcher.offer(event(4))
    expect(failures).toHaveLength(1)
    const second = new Target()
    dispatcher.reconcile(-1, 2)
    dispatcher.attach(second, 2)
    expect(second.blocks).toEqual([2, 3, 4])
    expect(done.map(({ blockNumber, result }) => [blockNumber, result])).toEqual([[1, 'failed']])
  })

  it('after a death sends again only what the store does not hold', async () => {
    const { dispatcher, done } = setUp()
    const first = new Target()
    dispatcher.attach(first, 1)
    for (const block of [1, 2, 3, 4]) dispatcher.offer(event(block))
    await first.answer(ok)
    dispatcher.detach()
    await first.die()
    const committed = first.calls[1]!.sequence
    dispatcher.reconcile(committed, 2)
    const second = new Target()
    dispatcher.attach(second, 2)
    expect(second.blocks).toEqual([3, 4])
    expect(Math.min(...second.calls.map((call) => call.sequence))).toBeGreaterThan(committed)
    expect(done.map(({ blockNumber, result }) => [blockNumber, result])).toEqual([
      [1, 'committed'],
      [2, 'committed'],
    ])
  })

  it('asks the store about an event whose commit was under way when the guest was ended', async () => {
    const { dispatcher, done, failures } = setUp()
    const error = new PaddockError('store.io', 'slow disk').toReport()
    const first = new Target()
    dispatcher.attach(first, 1)
    dispatcher.offer(event(1))
    await first.answer({ status: 'failed', error, uncertain: true })
    expect(done).toEqual([])
    expect(failures).toEqual([error])
    dispatcher.reconcile(first.calls[0]!.sequence, 2)
    expect(done).toMatchObject([{ blockNumber: 1, result: 'committed' }])

    const second = new Target()
    dispatcher.attach(second, 2)
    dispatcher.offer(event(2))
    await second.answer({ status: 'failed', error, uncertain: true })
    dispatcher.reconcile(first.calls[0]!.sequence, 3)
    const third = new Target()
    dispatcher.attach(third, 3)
    expect(third.blocks).toEqual([2])
  })

  it('gives up an event during which the process died too often, and goes on behind it', async () => {
    const { dispatcher, done } = setUp()
    dispatcher.offer(event(1))
    dispatcher.offer(event(2))
    for (let death = 1; death <= maxAttempts; death += 1) {
      const target = new Target()
      dispatcher.attach(target, death)
      expect(target.blocks).toEqual([1, 2])
      dispatcher.detach()
      await target.die()
      dispatcher.reconcile(-1, death + 1)
    }
    expect(done).toMatchObject([{ blockNumber: 1, result: 'failed', error: { code: 'sandbox.exited' } }])
    const last = new Target()
    dispatcher.attach(last, 9)
    expect(last.blocks).toEqual([2])
  })

  it('hands over what waits and what is uncertain, and keeps nothing', async () => {
    const { dispatcher } = setUp()
    const first = new Target()
    dispatcher.attach(first, 1)
    for (const block of [1, 2]) dispatcher.offer(event(block))
    dispatcher.detach()
    await first.die()
    dispatcher.offer(event(3))
    const { options } = setUp()
    const successor = new Dispatcher(options, dispatcher.handOver())
    expect(dispatcher.queued).toBe(0)
    successor.reconcile(0, 2)
    const second = new Target()
    successor.attach(second, 2)
    expect(second.blocks).toEqual([2, 3])
    expect(second.calls[0]!.sequence).toBeGreaterThan(1)
  })
})
