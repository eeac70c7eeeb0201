import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { backoffCeilingMs, backoffDelayMs } from './backoff.ts'
import {
  defaultLifecyclePolicy,
  initialLifecycle,
  step,
  type LifecycleEffect,
  type LifecycleEvent,
  type LifecycleState,
} from './lifecycle.ts'

const trap = new PaddockError('sandbox.trap', 'unreachable').toReport()

class Machine {
  state: LifecycleState = initialLifecycle
  effects: LifecycleEffect['do'][] = []
  now = 0

  send(event: LifecycleEvent, random = 0.5): this {
    const result = step(this.state, event, this.now, () => random)
    this.state = result.state
    this.effects = result.effects.map((effect) => effect.do)
    return this
  }

  /** Sends a report of the work under way. */
  report(type: 'resolved' | 'loaded' | 'initialised' | 'wound-down' | 'timer-due' | 'proved-healthy'): this {
    return this.send({ type, attempt: this.state.attempt })
  }

  fail(): this {
    return this.send({ type: 'failed', attempt: this.state.attempt, error: trap })
  }

  run(): this {
    return this.send({ type: 'start' }).report('resolved').report('loaded').report('initialised')
  }

  recover(): this {
    return this.report('timer-due').report('loaded').report('initialised')
  }

  get phase(): string {
    return this.state.phase.name
  }
}

describe('lifecycle', () => {
  it('goes resolve, load, init, run, and asks for each step once', () => {
    const machine = new Machine()
    expect(machine.send({ type: 'start' }).effects).toEqual(['resolve'])
    expect(machine.report('resolved').effects).toEqual(['launch'])
    expect(machine.report('loaded').effects).toEqual(['initialise'])
    expect(machine.report('initialised').effects).toEqual(['open-sources'])
    expect(machine.phase).toBe('running')
    expect(machine.state.run).toBe(1)
  })

  it('restarts a failed module without resolving again, in a new run', () => {
    const machine = new Machine().run().fail()
    expect(machine.phase).toBe('restarting')
    expect(machine.effects).toEqual(['kill', 'schedule-restart'])
    expect(machine.report('timer-due').effects).toEqual(['launch'])
    expect(machine.state.run).toBe(2)
  })

  it('ignores reports of work that was abandoned', () => {
    const machine = new Machine().run()
    const late = machine.state.attempt
    machine.fail().recover()
    expect(machine.send({ type: 'failed', attempt: late, error: trap }).phase).toBe('running')
  })

  it('spec nexum-host 18 row 68: is dead at the fifth failure within ten minutes', () => {
    const machine = new Machine().run()
    for (let failure = 1; failure <= 4; failure += 1) {
      machine.fail()
      expect(machine.phase).toBe('restarting')
      machine.recover().report('proved-healthy')
      machine.now += 60_000
    }
    expect(machine.fail().phase).toBe('dead')
    expect(machine.effects).toEqual(['kill'])
  })

  it('spec nexum-host 18 row 68: is dead at the tenth failure in a row however far apart', () => {
    const machine = new Machine().run()
    for (let failure = 1; failure <= 9; failure += 1) {
      machine.fail()
      expect(machine.phase).toBe('restarting')
      machine.recover()
      machine.now += 300_000
    }
    expect(machine.fail().phase).toBe('dead')
  })

  it('spec nexum-host 18 row 68: forgets the row of failures at a committed dispatch, not at a mere init', () => {
    const machine = new Machine().run().fail().recover()
    expect(machine.state.consecutiveFailures).toBe(1)
    expect(machine.report('proved-healthy').state.consecutiveFailures).toBe(0)
  })

  it('spec nexum-host 18 row 67: does not restart a rejected module', () => {
    const machine = new Machine().send({ type: 'start' })
    machine.send({ type: 'rejected', attempt: machine.state.attempt, error: trap })
    expect(machine.phase).toBe('dead')
    expect(machine.send({ type: 'start' }).effects).toEqual(['resolve'])
  })

  it('winds down before it stops, and starts again when asked meanwhile', () => {
    const machine = new Machine().run()
    expect(machine.send({ type: 'stop' }).effects).toEqual(['wind-down'])
    machine.send({ type: 'start' })
    expect(machine.report('wound-down').effects).toEqual(['launch'])
  })

  it('stops a waiting restart at once', () => {
    const machine = new Machine().run().fail()
    expect(machine.send({ type: 'stop' }).effects).toEqual(['cancel-timer'])
    expect(machine.phase).toBe('stopped')
    expect(machine.report('timer-due').phase).toBe('stopped')
  })

  it('never runs two sandboxes: a launch is always preceded by the end of the one before', () => {
    const event = fc.constantFrom(
      'start',
      'stop',
      'restart',
      'fail',
      'resolved',
      'loaded',
      'initialised',
      'timer-due',
      'wound-down',
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const machine = new Machine()
        let alive = 0
        for (const type of events) {
          if (type === 'fail') machine.fail()
          else if (type === 'start' || type === 'stop' || type === 'restart') machine.send({ type })
          // Work is only reported when it was asked for and is under way.
          else machine.report(type)
          for (const effect of machine.effects) {
            if (effect === 'launch') alive += 1
            if (effect === 'kill' || effect === 'wind-down') alive = 0
          }
          expect(alive).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

describe('backoff', () => {
  it('spec nexum-host 18 row 68: doubles its ceiling from 1 s to 5 min', () => {
    expect([1, 2, 3, 4, 9, 10, 60].map((failure) => backoffCeilingMs(failure))).toEqual([
      1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000,
    ])
  })

  it('spec nexum-host 18 row 68: spreads over the upper half of the ceiling', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (failure, random) => {
          const delay = backoffDelayMs(failure, () => random)
          expect(delay).toBeGreaterThanOrEqual(backoffCeilingMs(failure) / 2)
          expect(delay).toBeLessThanOrEqual(backoffCeilingMs(failure))
        },
      ),
    )
    expect(backoffDelayMs(3, () => 0)).toBe(2_000)
    expect(backoffDelayMs(3, () => 0.999_999)).toBe(4_000)
  })

  it('spec nexum-host 18 row 68: is what the machine schedules', () => {
    const failed = step(
      { ...initialLifecycle, phase: { name: 'running' } },
      { type: 'failed', attempt: 0, error: trap },
      0,
      () => 0.25,
      defaultLifecyclePolicy,
    )
    expect(failed.effects).toContainEqual({ do: 'schedule-restart', delayMs: 625 })
  })

  it('tells death by too many failures from one that trying again cannot mend', () => {
    const poisoned = new Machine().run()
    for (let failure = 1; failure < defaultLifecyclePolicy.maxFailuresInWindow; failure += 1)
      poisoned.fail().recover()
    expect(poisoned.fail().state.phase).toMatchObject({ name: 'dead', poisoned: true })
    const rejected = new Machine().send({ type: 'start' })
    rejected.send({ type: 'rejected', attempt: rejected.state.attempt, error: trap })
    expect(rejected.state.phase).toMatchObject({ name: 'dead', poisoned: false })
  })

  it('resumes with its failures kept, and leaves the dead dead', () => {
    const machine = new Machine().run()
    for (let failure = 1; failure < defaultLifecyclePolicy.maxFailuresInWindow; failure += 1)
      machine.fail().recover()
    machine.send({ type: 'stop' }).report('wound-down')
    const before = machine.state
    machine.send({ type: 'resume' })
    expect(machine.phase).toBe('loading')
    expect(machine.state).toMatchObject({
      failureTimes: before.failureTimes,
      consecutiveFailures: before.consecutiveFailures,
    })
    expect(machine.fail().phase).toBe('dead')
    expect(machine.send({ type: 'resume' }).effects).toEqual([])
    expect(machine.phase).toBe('dead')
    expect(machine.send({ type: 'start' }).phase).toBe('loading')
    expect(machine.state.failureTimes).toEqual([])
  })
})
