/** What a stage must not do with buffers, and what becomes of it (spec flows 8.1, 8.2, 14). */
import { describe, expect, test } from 'vitest'
import { deeds, type Deed } from '../../../../../test/fixtures/stages/misbehaving.ts'
import {
  openStage,
  type OpenOptions,
  type OpenStage,
} from '../../../../../test/fixtures/stages/opened-stages.ts'
import { FlowBuffers } from '../buffers/flow-buffers.ts'

async function doing(deed: Deed, options: OpenOptions = {}, more = ''): Promise<OpenStage> {
  const opened = await openStage('misbehaving', options)
  expect(opened.stage.init(`${deeds[deed]} ${more}`)).toBe('ready')
  return opened
}

describe('spec flows 18, ownership: every misuse traps with a named reason', () => {
  const misuses: readonly (readonly [Deed, number, RegExp])[] = [
    ['keepLent', 1, /2 lent handles were kept after the call/],
    ['returnLent', 1, /returned a lent buffer/],
    ['useDropped', 1, /handle \d+ \(buffer\) is dead/],
    ['dropTwice', 1, /handle \d+ \(buffer\) is dead/],
    ['returnMutable', 1, /returned a handle of another kind where a buffer is due/],
    ['returnAgain', 2, /returned a handle that it dropped or had already handed over/],
    ['useHandedOver', 2, /handle \d+ \(buffer\) is dead/],
    ['useKept', 2, /handle \d+ \(buffer\) is dead/],
    ['useContextAsBuffer', 1, /is a flow-context, not a buffer/],
    ['freezeTwice', 1, /froze a mutable-buffer twice/],
    ['wildResult', 1, /out of bounds/],
    ['unknownCase', 1, /returned case 2 of result/],
    ['wrongText', 1, /not valid UTF-8/],
    ['hostInPostReturn', 1, /cannot leave component instance/],
    ['unreachable', 1, /unreachable/],
  ]
  test.each(misuses)('%s', async (deed, atCall, reason) => {
    const buffers = new FlowBuffers()
    const other = await openStage('flip-transform', { buffers })
    const opened = await doing(deed, { buffers })
    for (let call = 1; call < atCall; call += 1) {
      expect(opened.give('x')).not.toBe('trap')
      opened.stage.output?.buffer.release()
    }
    expect(opened.give('x')).toBe('trap')
    const { error } = opened.stage
    expect(error?.case).toBe('fatal')
    expect(error?.trap).toMatch(reason)
    expect(opened.stage.output).toBeNull()

    expect(opened.stage.isDead).toBe(true)
    expect([opened.give('x'), opened.stage.teardown()]).toEqual(['trap', 'trap'])
    expect(opened.stage.error).toBe(error)
    opened.stage.reclaim()
    expect(buffers.live).toBe(0)
    expect(other.give('x')).toBe('emit')
  })

  test('a buffer handed out twice by flush traps, and the first is let go of', async () => {
    const aggregator = await openStage('twice-aggregator')
    expect(aggregator.stage.flush()).toBe('trap')
    expect(aggregator.stage.error?.trap).toMatch(/already handed over/)
    expect(aggregator.stage.outputs).toEqual([])
    expect(aggregator.buffers.live).toBe(0)
  })

  test('lent handles that are dropped in post-return are dropped in time', async () => {
    const opened = await doing('dropsLate')
    expect(opened.give('x')).toBe('emit')
    expect(opened.takenText()).toBe('text/plain')
    expect(opened.stage.handles.size).toBe(0)
  })

  test('a leak is found and given back', async () => {
    const opened = await doing('leak')
    expect(opened.give('x')).toBe('none')
    expect(opened.give('x')).toBe('none')
    expect(opened.buffers.survivors()).toEqual([{ owner: 'n', count: 4, bytes: 1_024, oldestMs: 0 }])
    expect(opened.stage.counters.ownedBytes).toBe(1_024)
    expect(opened.stage.reclaim()).toBe(4)
    expect(opened.buffers.live).toBe(0)
    expect(opened.stage.counters.ownedBytes).toBe(0)
  })
})

describe('spec flows 18, freeze', () => {
  test('append after it gives frozen, size and capacity their last values, twice traps', async () => {
    const opened = await doing('appendFrozen')
    expect(opened.give('x')).toBe('emit')
    expect(opened.takenText()).toBe('frozen')
    expect(opened.stage.counters.ownedBytes).toBe(0)
    expect((await doing('freezeTwice')).give('x')).toBe('trap')
  })

  test('drop without freeze returns the bytes', async () => {
    const opened = await doing('dropUnfrozen')
    expect(opened.give('x')).toBe('none')
    expect(opened.stage.counters.ownedBytes).toBe(0)
    expect(opened.buffers.live).toBe(0)
  })
})

describe('spec flows 18, 16 MiB', () => {
  test('16 777 216 bytes are allowed, one more is refused', async () => {
    const opened = await doing('sixteenMebibytes')
    expect(opened.give('x')).toBe('emit')
    expect(opened.stage.output?.buffer.capacity).toBe(16_777_216)
    opened.taken()
    expect(opened.buffers.figures.fallbacks).toBe(1)
  })

  test('a budget of 1 MiB refuses the 17th buffer of 64 KiB', async () => {
    const opened = await doing('fillBudget', { bufferBytes: 1_048_576 }, '16')
    expect(opened.give('x')).toBe('error')
    expect(opened.stage.error).toEqual({ case: 'unavailable', message: 'budget', trap: null })
    expect(opened.stage.counters.ownedBytes).toBe(1_048_576)
    expect(opened.stage.reclaim()).toBe(16)
  })
})

test('spec flows 8.2: bounds of write, append and read', async () => {
  const opened = await doing('bounds')
  expect(opened.give('x')).toBe('emit')
  expect(opened.takenText()).toBe('some/plaintext/plain')
})

test('a memory that grows within and between host calls is followed', async () => {
  const opened = await doing('grow')
  expect(opened.give('before')).toBe('emit')
  expect(opened.takenText()).toBe('before')
  expect(opened.give('after')).toBe('emit')
  expect(opened.takenText()).toBe('after')
  expect(opened.stage.counters.memoryBytes).toBeGreaterThanOrEqual(20 * 65_536)
})

test('flow-context tells trace, span, flow and what is left of the deadline; a content type is cut at 63 bytes', async () => {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), deadlineNs: 258n }
  const opened = await openStage('misbehaving', { context })
  opened.stage.init(`${deeds.tellContext} ${'é'.repeat(40)}`)
  expect(opened.give('x', 'application/json')).toBe('emit')
  const { output } = opened.stage
  // The 2 digits and the space leave room for 30 of the two-byte letters.
  expect(output?.contentType).toBe(`${deeds.tellContext} ${'é'.repeat(30)}`)
  const bytes = Buffer.from(opened.taken())
  const flowId = 'flow-1'
  expect(bytes.subarray(0, 48 + flowId.length).toString()).toBe(
    `${context.traceId}${context.spanId}${flowId}`,
  )
  expect(bytes.readBigUInt64LE(48 + flowId.length)).toBe(258n)
  expect(bytes.subarray(56 + flowId.length).toString()).toBe('application/json')
})

test('spec flows 9.1: each case of an error leaves the stage usable', async () => {
  const opened = await doing('errorBySequence')
  const seen = [0, 1, 2, 3, 4].map(() => {
    expect(opened.give('x')).toBe('error')
    return opened.stage.error
  })
  const message = 'some reason'
  expect(seen).toEqual([
    { case: 'invalid-input', message, trap: null },
    { case: 'unavailable', message, trap: null },
    { case: 'internal', message, trap: null },
    { case: 'deadline-exceeded', message: '', trap: null },
    { case: 'fatal', message, trap: null },
  ])
  expect(opened.stage.isDead).toBe(false)
})
