import { describe, expect, it } from 'vitest'
import { ControlBlock } from './control.ts'
import { Watchdog, type EndReason } from './watchdog.ts'

const call = {
  id: 1,
  sequence: 0,
  operation: 'run',
  payload: null,
  cursor: null,
  fuel: 1,
  deadlineMs: 60_000,
  context: {},
}

function watched(control: ControlBlock): { ended: Promise<EndReason>; watchdog: Watchdog } {
  let end: (reason: EndReason) => void = () => undefined
  const ended = new Promise<EndReason>((resolve) => {
    end = resolve
  })
  const watchdog = new Watchdog({
    control,
    outstanding: () => [{ ordinal: 1, call, cancelled: false }],
    onOverdue: (_, reason) => {
      watchdog.close()
      end(reason)
    },
    watchesStatements: () => false,
    watchesSteps: () => true,
  })
  watchdog.watch(call.deadlineMs)
  return { ended, watchdog }
}

describe('spec flows 18, watchdog', () => {
  it('a step that does not return is ended by its budget and at most 0.1 s more, and can be named', async () => {
    const control = new ControlBlock()
    control.begin(1)
    const { ended } = watched(control)
    control.beginStep(2, 300)
    const began = performance.now()
    expect(await ended).toBe('step')
    const tookMs = performance.now() - began
    expect(tookMs).toBeGreaterThanOrEqual(299)
    // Two looks apart at most, and what a busy machine adds.
    expect(tookMs).toBeLessThan(600)
    expect(control.runningStep()).toMatchObject({ step: 2, budgetMs: 300 })
  })

  it('steps that follow each other are left alone, however long all of them take', async () => {
    const control = new ControlBlock()
    control.begin(1)
    const { ended, watchdog } = watched(control)
    let steps = 0
    const all = new Promise<string>((resolve) => {
      const timer = setInterval(() => {
        control.endStep()
        control.beginStep(0, 1_000)
        steps += 1
        if (steps < 300) return
        clearInterval(timer)
        resolve('all')
      }, 5)
    })
    expect(await Promise.race([ended, all])).toBe('all')
    watchdog.close()
  })
})
