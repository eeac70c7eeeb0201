import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ControlBlock, nextOrdinal } from './control.ts'

describe('ControlBlock', () => {
  it('lets exactly one of guest thread and watchdog settle a call', () => {
    const guest = new ControlBlock()
    const main = new ControlBlock(guest.buffer)
    guest.begin(5)
    expect(main.runningCall()).toMatchObject({ ordinal: 5 })
    expect(main.stop(5)).toBe(true)
    expect(guest.settle(5)).toBe(false)
    guest.begin(6)
    expect(guest.settle(6)).toBe(true)
    expect(main.stop(6)).toBe(false)
    expect(main.runningCall()).toMatchObject({ ordinal: 6 })
    guest.end()
    expect(main.runningCall()).toBeUndefined()
    expect(main.stop(6)).toBe(false)
  })

  it('never stops another call than the one meant', () => {
    const control = new ControlBlock()
    control.begin(7)
    expect(control.stop(6)).toBe(false)
    expect(control.settle(7)).toBe(true)
  })

  it('knows which calls are settled together, also where ordinals go round', () => {
    const control = new ControlBlock()
    control.begin(9)
    expect(control.isSettling(9)).toBe(false)
    expect(control.settle(9, 7)).toBe(true)
    expect([6, 7, 8, 9, 10].map((ordinal) => control.isSettling(ordinal))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
    control.begin(10)
    expect(control.isSettling(8)).toBe(false)
    control.begin(2)
    control.settle(2, 0x1fff_fffe)
    expect(
      [0x1fff_fffd, 0x1fff_fffe, 0x1fff_ffff, 1, 2, 3].map((ordinal) => control.isSettling(ordinal)),
    ).toEqual([false, true, true, true, true, false])
  })

  it('names calls apart however many there were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x1fff_ffff }), (before) => {
        const ordinal = nextOrdinal(before)
        const control = new ControlBlock()
        control.begin(ordinal)
        expect(control.runningCall()?.ordinal).toBe(ordinal)
        expect(control.stop(ordinal)).toBe(true)
        expect(ordinal).toBeGreaterThan(0)
      }),
    )
    expect(nextOrdinal(0x1fff_ffff)).toBe(1)
  })

  it('does not sleep over a signal that came before the wait', () => {
    const control = new ControlBlock()
    const seen = control.signals
    control.signal()
    control.wait(seen)
    expect(control.signals).toBe(seen + 1)
  })
})
