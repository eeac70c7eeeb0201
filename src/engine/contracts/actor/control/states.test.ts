import { describe, expect, it } from 'vitest'
import {
  beginningOf,
  controlStates,
  healthyMs,
  lost,
  noLosses,
  running,
  thresholdOf,
} from './control-state.ts'
import {
  instanceStates,
  onStopCommand,
  stopCommands,
  type InstanceState,
  type StopCommand,
} from './instance-state.ts'

describe('spec actors-sql 20: stop matrix', () => {
  const begins = (state: InstanceState) => ({ kind: 'begin', state })
  const joined = { kind: 'joined' }
  const notReady = { kind: 'refused', code: 'actor.not_ready' }
  const destroying = { kind: 'refused', code: 'actor.destroying' }
  const matrix: Record<InstanceState, Record<StopCommand, object>> = {
    loading: { sleep: notReady, stop: notReady, destroy: notReady },
    started: { sleep: begins('sleep-grace'), stop: begins('sleep-grace'), destroy: begins('destroy-grace') },
    'sleep-grace': { sleep: joined, stop: joined, destroy: { kind: 'upgraded', state: 'destroy-grace' } },
    'sleep-finalise': { sleep: joined, stop: joined, destroy: { kind: 'after' } },
    'destroy-grace': { sleep: destroying, stop: destroying, destroy: joined },
    destroying: { sleep: destroying, stop: destroying, destroy: joined },
    terminated: { sleep: joined, stop: joined, destroy: joined },
  }
  const pairs = instanceStates.flatMap((state) => stopCommands.map((command) => [state, command] as const))

  it.each(pairs)('%s: %s', (state, command) => {
    expect(onStopCommand(state, command)).toEqual(matrix[state][command])
  })
})

describe('spec actors-sql 20: thresholds', () => {
  const thresholds = { allocatingMs: 2_000, startingMs: 30_000, leavingMs: 60_000 }

  it('go with the state', () => {
    const found = Object.fromEntries(controlStates.map((state) => [state, thresholdOf(state, thresholds)]))
    expect(found).toEqual({
      allocating: 2_000,
      starting: 30_000,
      running: null,
      'sleep-intent': 60_000,
      'stop-intent': 60_000,
      'going-away': 60_000,
      sleeping: null,
      reallocating: null,
      destroying: 60_000,
    })
  })

  it('of a start are chosen by whether a host is there, at a restart as at the first', () => {
    expect([beginningOf(true), beginningOf(false)]).toEqual(['starting', 'allocating'])
  })

  it('missed, wait 2 s and twice as long each time, at most 2^8 times that, and begin anew after good health', () => {
    let losses = noLosses
    const waits = Array.from({ length: 11 }, () => {
      const next = lost(losses, 0)
      losses = next.losses
      return next.retryMs
    })
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512].map((seconds) => seconds * 1_000))
    expect(lost(running(losses, 0), healthyMs - 1).retryMs).toBe(512_000)
    expect(lost(running(losses, 0), healthyMs).retryMs).toBe(2_000)
  })
})
