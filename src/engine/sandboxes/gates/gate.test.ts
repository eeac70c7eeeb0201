import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Gate } from './gate.ts'
import { createGates } from './gates.ts'
import { runPatiently, takePatiently } from './patience.ts'

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

/** Work that ends when the test says so. */
function work(): { promise: Promise<string>; end: () => void; fail: (error: Error) => void } {
  let end = (): void => undefined
  let fail: (error: Error) => void = () => undefined
  const promise = new Promise<string>((resolve, reject) => {
    end = () => resolve('done')
    fail = reject
  })
  return { promise, end, fail }
}

function gate(permits: number, clock = new ManualClock()): Gate {
  return new Gate({ name: 'execute', permits, clock })
}

describe('gate', () => {
  it('lets as many in as it has permits, the others in the order they came', async () => {
    const bounded = gate(2)
    const order: string[] = []
    const ends = new Map<string, () => void>()
    const started = ['a', 'b', 'c', 'd'].map((name) =>
      bounded.run('m', async () => {
        order.push(name)
        const { promise, end } = work()
        ends.set(name, end)
        await promise
      }),
    )
    await settle()
    expect([order, bounded.inUse, bounded.waiting]).toEqual([['a', 'b'], 2, 2])
    ends.get('b')!()
    await settle()
    expect(order).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c']) ends.get(name)!()
    await settle()
    ends.get('d')!()
    await Promise.all(started)
    expect([order, bounded.inUse, bounded.waiting]).toEqual([['a', 'b', 'c', 'd'], 0, 0])
  })

  it('serves modules in turn, however many one of them sends', async () => {
    const bounded = gate(1)
    expect(bounded.tryTake()).toBe(true)
    const order: string[] = []
    for (const owner of ['a', 'a', 'a', 'b', 'c', 'b']) {
      void bounded.run(owner, () => {
        order.push(owner)
        return Promise.resolve()
      })
    }
    bounded.giveBack()
    await settle()
    await settle()
    expect(order.join('')).toBe('abcaba')
    expect(bounded.inUse).toBe(0)
  })

  it('does not let a newcomer past those who wait', async () => {
    const bounded = gate(1)
    expect(bounded.tryTake()).toBe(true)
    const first = bounded.take('a')
    bounded.giveBack()
    expect(bounded.tryTake()).toBe(false)
    await first
    expect(bounded.inUse).toBe(1)
  })

  it('refuses the 257th to wait at once, and anybody after 30 s', async () => {
    const clock = new ManualClock()
    const bounded = gate(1, clock)
    bounded.tryTake()
    const waiting = Array.from({ length: 256 }, (_, index) =>
      bounded.take(`m${index % 7}`).then(
        () => 'in',
        (error: unknown) => error,
      ),
    )
    await expect(bounded.take('late')).rejects.toMatchObject({
      code: 'gate.busy',
      details: { gate: 'execute', waiting: 256 },
    })
    clock.advance(29_999)
    expect(bounded.waiting).toBe(256)
    clock.advance(1)
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'gate.busy' })
    expect([bounded.waiting, bounded.inUse, clock.pending]).toEqual([0, 1, 0])
  })

  it('lets those who are called off leave at once, without a permit', async () => {
    const clock = new ManualClock()
    const bounded = gate(1, clock)
    bounded.tryTake()
    const controller = new AbortController()
    const gone = bounded.take('a', controller.signal)
    const stays = bounded.take('b')
    controller.abort()
    await expect(gone).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    expect(bounded.waiting).toBe(1)
    bounded.giveBack()
    await stays
    expect([bounded.inUse, bounded.waiting, clock.pending]).toEqual([1, 0, 0])
    await expect(bounded.take('c', controller.signal)).rejects.toMatchObject({ code: 'sandbox.cancelled' })
  })

  it('keeps the permit with the work after its caller has gone', async () => {
    const bounded = gate(1)
    const controller = new AbortController()
    const { promise, end } = work()
    let told = false
    const caller = bounded.run(
      'a',
      (signal) => {
        signal?.addEventListener('abort', () => (told = true))
        return promise
      },
      { signal: controller.signal },
    )
    await settle()
    controller.abort()
    await expect(caller).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    expect([told, bounded.inUse]).toEqual([true, 1])
    end()
    await settle()
    expect(bounded.inUse).toBe(0)
  })

  it('takes the permit back from work that fails, also when nobody listens any more', async () => {
    const bounded = gate(1)
    const { promise, fail } = work()
    const heard = bounded.run('a', () => promise)
    fail(new TypeError('broken'))
    await expect(heard).rejects.toThrow('broken')
    const controller = new AbortController()
    const second = work()
    const unheard = bounded.run('a', () => second.promise, { signal: controller.signal })
    await settle()
    controller.abort()
    await expect(unheard).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    second.fail(new TypeError('broken'))
    await settle()
    expect(bounded.inUse).toBe(0)
  })

  it('gives out no permit that came back twice', () => {
    const bounded = gate(1)
    bounded.tryTake()
    bounded.giveBack()
    expect(() => bounded.giveBack()).toThrow(expect.objectContaining({ code: 'internal.bug' }))
  })

  it('never has more out than it may, and ends empty, whatever happens in whatever order', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('run' as const), owner: fc.constantFrom('a', 'b', 'c') }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('end' as const), at: fc.nat(20), fails: fc.boolean() }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), at: fc.nat(20) }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
      },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 60 }),
        async (permits, steps) => {
          const clock = new ManualClock()
          const bounded = gate(permits, clock)
          const begun: { end: () => void; fail: (error: Error) => void; over: boolean }[] = []
          const jobs: { controller: AbortController; caller: Promise<unknown> }[] = []
          const check = (): void => {
            const living = begun.filter(({ over }) => !over).length
            expect(bounded.inUse).toBe(living)
            expect(living).toBeLessThanOrEqual(permits)
          }
          for (const each of steps) {
            if (each.do === 'run') {
              const controller = new AbortController()
              const caller = bounded
                .run(
                  each.owner,
                  () => {
                    const { promise, end, fail } = work()
                    begun.push({ end, fail, over: false })
                    return promise
                  },
                  { signal: controller.signal },
                )
                .catch((error: unknown) => error)
              jobs.push({ controller, caller })
            } else if (each.do === 'end') {
              const living = begun.filter(({ over }) => !over)
              const job = living[each.at % Math.max(1, living.length)]
              if (job !== undefined) {
                job.over = true
                if (each.fails) job.fail(new Error('x'))
                else job.end()
              }
            } else if (each.do === 'abort') {
              jobs[each.at % Math.max(1, jobs.length)]?.controller.abort()
            } else {
              clock.advance(each.ms)
            }
            await settle()
            check()
          }
          for (;;) {
            const living = begun.filter(({ over }) => !over)
            if (living.length === 0) break
            for (const job of living) {
              job.over = true
              job.end()
            }
            await settle()
            check()
          }
          await Promise.all(jobs.map(({ caller }) => caller))
          expect([bounded.inUse, bounded.waiting, clock.pending]).toEqual([0, 0, 0])
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('gates', () => {
  it('are two: a full one does not stop the other', async () => {
    const { preparing, executing } = createGates(new ManualClock())
    for (let taken = 0; taken < 64; taken += 1) expect(executing.tryTake()).toBe(true)
    expect([executing.tryTake(), preparing.tryTake()]).toEqual([false, true])
    for (let taken = 1; taken < 16; taken += 1) expect(preparing.tryTake()).toBe(true)
    const waits = preparing.take('a')
    executing.giveBack()
    expect([preparing.tryTake(), executing.tryTake()]).toEqual([false, true])
    preparing.giveBack()
    await waits
  })

  it.each([
    [0, 64],
    [16, 16],
    [17, 16],
    [1.5, 64],
    [16, Number.NaN],
  ])('refuses %d to prepare with %d to execute', (prepare, execute) => {
    expect(() => createGates(new ManualClock(), { prepare, execute })).toThrow(
      expect.objectContaining({ code: 'settings.invalid' }),
    )
  })
})

describe('patience', () => {
  it('takes its turn anew when it waited too long, and says so', async () => {
    const clock = new ManualClock()
    const bounded = gate(1, clock)
    bounded.tryTake()
    const busy: string[] = []
    const taken = takePatiently(bounded, 'a', clock, new AbortController().signal, (error) =>
      busy.push(error.code),
    )
    for (let minute = 0; minute < 2; minute += 1) {
      clock.advance(30_000)
      await settle()
      clock.advance(1_000)
      await settle()
    }
    expect([busy, bounded.waiting]).toEqual([['gate.busy', 'gate.busy'], 1])
    bounded.giveBack()
    await taken
    expect(bounded.inUse).toBe(1)
  })

  it.each(['in the queue', 'between two turns'])('ends %s once it is called off', async (where) => {
    const clock = new ManualClock()
    const bounded = gate(1, clock)
    bounded.tryTake()
    const controller = new AbortController()
    const ran: string[] = []
    const running = runPatiently(bounded, 'a', clock, controller.signal, async () => ran.push('ran'))
    if (where === 'between two turns') {
      clock.advance(30_000)
      await settle()
      expect(bounded.waiting).toBe(0)
    }
    controller.abort()
    await expect(running).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    expect([ran, bounded.waiting, clock.pending]).toEqual([[], 0, 0])
  })
})
