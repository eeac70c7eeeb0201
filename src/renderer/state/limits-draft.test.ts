import { describe, expect, it } from 'vitest'
import { narrowSpace } from '../format/numbers.ts'
import { ConsoleDouble } from '../testing/console-double.ts'
import { busyMorning } from '../testing/scenes.ts'
import { LimitsDraft, limitKeys, limitText, limitUnits, parseLimit } from './limits-draft.svelte.ts'

const mebibytes = limitUnits.memoryBytes
const bounds = { min: 65_536, max: 100 * 1_048_576 }

describe('parseLimit', () => {
  it('takes a number of its unit, or nothing', () => {
    expect(parseLimit(' 64 ', mebibytes, bounds)).toEqual({ value: 67_108_864, error: null })
    expect(parseLimit('0.5', mebibytes, bounds)).toEqual({ value: 524_288, error: null })
    expect(parseLimit('  ', mebibytes, bounds)).toEqual({ value: null, error: null })
  })

  it.each(['64 MiB', '-1', '1e3', '0x10', '1,5', '.', '١', 'NaN', 'Infinity', '9'.repeat(17)])(
    'refuses %s',
    (text) => {
      expect(parseLimit(text, mebibytes, bounds).error).toBe('A number, such as 64 or 0.5')
    },
  )

  it('names the bound that was passed', () => {
    expect(parseLimit('100.1', mebibytes, bounds)).toEqual({
      value: null,
      error: `At most 100${narrowSpace}MiB`,
    })
    expect(parseLimit('0', mebibytes, bounds)).toEqual({
      value: null,
      error: `At least 0.0625${narrowSpace}MiB`,
    })
    expect(parseLimit('100', mebibytes, bounds).error).toBeNull()
  })

  it('reads back what it writes, for every limit', () => {
    for (const key of limitKeys) {
      for (const value of [1, 3, 999, 65_537, 1_000_000_007, 67_108_864]) {
        const parsed = parseLimit(limitText(value, limitUnits[key]), limitUnits[key], {
          min: 0,
          max: Number.MAX_SAFE_INTEGER,
        })
        expect([key, parsed]).toEqual([key, { value, error: null }])
      }
    }
  })
})

describe('LimitsDraft', () => {
  async function draftOf() {
    const double = new ConsoleDouble(busyMorning())
    const draft = new LimitsDraft(double.client, 'price-alert', {})
    await draft.open()
    return { double, draft }
  }

  it('saves what is set and no others, and knows when that restarts the module', async () => {
    const { double, draft } = await draftOf()
    expect([draft.changed, draft.restarts, draft.valid]).toEqual([false, false, true])
    draft.texts.deadlineMs = '7'
    expect([draft.changed, draft.restarts]).toEqual([true, false])
    draft.texts.memoryBytes = '32'
    expect(draft.restarts).toBe(true)
    expect(await draft.save()).toBe(true)
    const module = double.snapshot.modules.find(({ name }) => name === 'price-alert')
    expect(module?.limitsSet).toEqual({ deadlineMs: 7_000, memoryBytes: 32 * 1_048_576 })
    expect(draft.changed).toBe(false)
  })

  it('does not save what is out of bounds, and follows the engine only while nothing is typed', async () => {
    const { double, draft } = await draftOf()
    draft.texts.deadlineMs = '601'
    expect([draft.valid, await draft.save()]).toEqual([false, false])
    expect(double.snapshot.modules.find(({ name }) => name === 'price-alert')?.limitsSet).toEqual({})
    draft.follow({ queueEvents: 9 })
    expect(draft.texts.deadlineMs).toBe('601')
    draft.discard()
    expect([draft.texts.deadlineMs, draft.texts.queueEvents]).toEqual(['', '9'])
    draft.follow({ queueEvents: 10 })
    expect(draft.texts.queueEvents).toBe('10')
  })
})
