import { describe, expect, it } from 'vitest'
import type { ExecutionOutcome } from '../../../shared/contracts/decider.ts'
import { TrapWatch } from './trap-watch.ts'

function ended(trapped: boolean): ExecutionOutcome {
  const traps = trapped ? [{ phase: 'decide' as const, code: 'sandbox.trap' }] : []
  return { outcome: 'faulted', failure: {}, stats: { traps } } as unknown as ExecutionOutcome
}

describe('the watch over traps', () => {
  it('tells once when many of the last commands trapped, and again after it got better', () => {
    const told: string[] = []
    const watch = new TrapWatch((message) => told.push(message))
    for (let index = 0; index < 19; index += 1) watch.note(ended(true))
    expect(watch.isDegraded).toBe(false)
    for (let index = 0; index < 5; index += 1) watch.note(ended(true))
    expect(watch.isDegraded).toBe(true)
    expect(told).toEqual(['20 of the last 20 commands trapped.'])
    for (let index = 0; index < 100; index += 1) watch.note(ended(false))
    expect(watch.isDegraded).toBe(false)
    for (let index = 0; index < 20; index += 1) watch.note(ended(true))
    expect(told).toHaveLength(2)
  })
})
