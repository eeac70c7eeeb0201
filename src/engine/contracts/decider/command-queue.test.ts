import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import type { CallReply, GuestCall } from '../../../shared/sandbox/protocol.ts'
import { systemClock } from '../../clock.ts'
import { Admission } from '../../events/admission.ts'
import { Governor } from '../../governor/governor.ts'
import { createGates } from '../../sandboxes/gates/gates.ts'
import { CommandQueue, type QueuedCommand } from './command-queue.ts'

const usage = {
  durationUs: 1,
  hostWaitUs: 0,
  fuel: null,
  hostCalls: 0,
  writes: 0,
  memoryBytes: 0,
  storeBytes: 0,
}

async function makeQueue(failures: string[] = []): Promise<CommandQueue> {
  const governor = new Governor({ clock: systemClock, storage: null })
  await governor.start()
  const admission = new Admission({
    owner: 'm',
    clock: systemClock,
    gate: createGates(systemClock).executing,
    governor,
    lane: governor.lane({ module: 'm', contract: 'decider' }),
    limits: { fuelPerCall: 1_000, deadlineMs: 1_000 },
    onDelayed: () => undefined,
  })
  return new CommandQueue({ admission, onFailed: ({ code }) => failures.push(code) })
}

/** A sandbox whose answers the test gives. */
function sandbox() {
  const calls: { call: GuestCall; answer: (outcome: CallReply['outcome']) => void; die: () => void }[] = []
  let next = 1
  return {
    calls,
    allocateCallId: () => next++,
    call: (call: GuestCall) =>
      new Promise<CallReply>((resolve, reject) => {
        calls.push({
          call,
          answer: (outcome) => resolve({ id: call.id, outcome, usage }),
          die: () => reject(new PaddockError('sandbox.exited', 'killed')),
        })
      }),
  }
}

const command = (payload: unknown, repeatable = true): QueuedCommand => ({
  operation: 'execute',
  payload,
  repeatable,
  deadlineMs: 1_000,
})
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the queue of commands', () => {
  it('sends again what may be repeated when the sandbox dies, and says of the rest that nobody knows', async () => {
    const queue = await makeQueue()
    const first = sandbox()
    queue.attach(first)
    const known = queue.run(command('known'))
    const unknown = queue.run(command('unknown', false))
    const refused = expect(unknown).rejects.toMatchObject({
      code: 'store.unavailable',
      details: { unknown: true },
    })
    queue.detach()
    for (const { die } of first.calls) die()
    await refused
    const second = sandbox()
    queue.attach(second)
    expect(second.calls.map(({ call }) => call.payload)).toEqual(['known'])
    second.calls[0]?.answer({ status: 'ok', value: 1 })
    expect((await known).outcome).toEqual({ status: 'ok', value: 1 })
  })

  it('gives a command up that is under way when the process dies again and again', async () => {
    const queue = await makeQueue()
    const answer = expect(queue.run(command('deadly'))).rejects.toMatchObject({ code: 'sandbox.exited' })
    for (let time = 0; time < 3; time += 1) {
      const target = sandbox()
      queue.attach(target)
      queue.detach()
      target.calls[0]?.die()
      await settled()
    }
    await answer
  })

  it('keeps the order of what was not started', async () => {
    const failures: string[] = []
    const queue = await makeQueue(failures)
    const first = sandbox()
    queue.attach(first)
    const answers = ['a', 'b', 'c'].map((payload) => queue.run(command(payload)))
    const report = new PaddockError('sandbox.deadline', 'slow').toReport()
    first.calls[0]?.answer({ status: 'failed', error: report })
    first.calls[1]?.answer({ status: 'not-started' })
    first.calls[2]?.answer({ status: 'not-started' })
    expect((await answers[0])?.outcome.status).toBe('failed')
    await settled()
    expect(failures).toEqual(['sandbox.deadline'])
    const second = sandbox()
    queue.attach(second)
    expect(second.calls.map(({ call }) => call.payload)).toEqual(['b', 'c'])
    for (const { answer } of second.calls) answer({ status: 'ok', value: null })
    await Promise.all(answers)
  })

  it('hands everything over to the queue of the next version, also what comes back later', async () => {
    const queue = await makeQueue()
    const first = sandbox()
    queue.attach(first)
    const answer = queue.run(command('late'))
    const next = await makeQueue()
    queue.handOver(next)
    first.calls[0]?.die()
    await settled()
    const second = sandbox()
    next.attach(second)
    second.calls[0]?.answer({ status: 'ok', value: 2 })
    expect((await answer).outcome).toEqual({ status: 'ok', value: 2 })
  })

  it('sheds what is more than 256 waiting, and ends what waits when it is closed', async () => {
    const queue = await makeQueue()
    const waiting = Array.from({ length: 256 }, (_, index) => queue.run(command(index)))
    await expect(queue.run(command('one more'))).rejects.toMatchObject({
      code: 'decider.overloaded',
      details: { limit: 256 },
    })
    queue.close(new PaddockError('module.not_running', 'stopped'))
    const ends = await Promise.allSettled(waiting)
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
  })

  it('answers who comes after it was closed, and what comes back then: nothing waits for ever', async () => {
    const queue = await makeQueue()
    const first = sandbox()
    queue.attach(first)
    const underWay = queue.run(command('under way'))
    const stopped = expect(underWay).rejects.toMatchObject({ code: 'module.not_running' })
    queue.close(new PaddockError('module.not_running', 'stopped'))
    first.calls[0]?.die()
    await stopped
    await expect(queue.run(command('late'))).rejects.toMatchObject({ code: 'module.not_running' })
    const second = sandbox()
    queue.attach(second)
    const answer = queue.run(command('again'))
    second.calls[0]?.answer({ status: 'ok', value: 3 })
    expect((await answer).outcome).toEqual({ status: 'ok', value: 3 })
  })

  it('takes who comes late to the next version', async () => {
    const queue = await makeQueue()
    const next = await makeQueue()
    queue.handOver(next)
    const target = sandbox()
    next.attach(target)
    const answer = queue.run(command('late'))
    expect(target.calls.map(({ call }) => call.payload)).toEqual(['late'])
    target.calls[0]?.answer({ status: 'ok', value: 4 })
    expect((await answer).outcome).toEqual({ status: 'ok', value: 4 })
  })
})
