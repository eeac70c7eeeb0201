/** Commands through the whole pipeline on a real store, in this process (spec decider 4 to 8). */
import { describe, expect, it } from 'vitest'
import { SqliteEventStore } from '../../src/event-store/sqlite/sqlite-store.ts'
import { eventStoreFile } from '../../src/event-store/store-file.ts'
import type { StateView } from '../../src/shared/contracts/decider.ts'
import {
  counter,
  counterBefore,
  decided,
  deciderFolder,
  notDecided,
  order,
  type OpenDecider,
  type OpenOptions,
} from '../support/deciders.ts'
import { openedDeciders } from '../support/opened-deciders.ts'
import { foldErrorAmount, foldTrapAmount } from '../support/decider-wat.ts'

const { start, stop } = openedDeciders()

/** Another writer of the same store. */
function writer(folder: string): SqliteEventStore {
  return new SqliteEventStore({
    path: eventStoreFile(folder, counter.name),
    module: counter.name,
    quotaBytes: null,
  })
}

let written = 0
function write(store: SqliteEventStore, streamId: string, amount: number): void {
  const payload = new Uint8Array(9)
  payload[0] = amount
  written += 1
  const id = `00000000-0000-7000-8000-${String(written).padStart(12, '0')}`
  const outcome = store.append({
    streamId,
    moduleVersion: 'other',
    guard: { kind: 'any' },
    observed: 0,
    events: [{ id, type: 'counter.added', payload }],
    headers: {},
    command: null,
    snapshot: null,
  })
  expect(outcome.kind).toBe('appended')
}

const reads = ['history', 'read', 'getSnapshot', 'head']

describe('spec decider 16: pipeline', () => {
  it('reads, then appends, in this order', async () => {
    const calls: string[] = []
    const decider = await start({ onStore: (method) => calls.push(method) })
    decider.add('a', 1)
    calls.length = 0
    expect(decided(decider.add('a', 2)).lastRevision).toBe(2)
    expect(calls.filter((name) => [...reads, 'appendAll'].includes(name))).toEqual(['history', 'appendAll'])
  })

  it('reads nothing for a command that creates its stream', async () => {
    const calls: string[] = []
    const decider = await start({ onStore: (method) => calls.push(method) })
    calls.length = 0
    expect(decided(decider.add('n', 1, { type: 'counter.create' })).lastRevision).toBe(1)
    expect(calls.filter((name) => reads.includes(name))).toEqual([])
  })

  it.each([
    ['reject', 'rejected', 'decider.rejected'],
    ['fault', 'faulted', 'decider.faulted'],
    ['nothing', 'faulted', 'decider.empty_decision'],
    ['streamError', 'faulted', 'decider.stream_id_failed'],
    ['badStream', 'faulted', 'decider.contract_violation'],
    ['emptyType', 'faulted', 'decider.contract_violation'],
  ] as const)('writes nothing when it is asked to %s', async (deed, outcome, code) => {
    const calls: string[] = []
    const decider = await start({ onStore: (method) => calls.push(method) })
    const answer = notDecided(decider.add('a', 1, { deed }))
    expect(answer.outcome).toBe(outcome)
    expect(answer.failure.error.code).toBe(code)
    expect(calls).not.toContain('appendAll')
    if (deed === 'reject') {
      expect(answer.failure).toMatchObject({
        domain: 'demo.counter',
        reason: {
          code: 'counter.no',
          message: 'the counter says no',
          details: [['cause.0', 'the counter says no']],
        },
      })
    }
  })

  it('cuts and escapes what the guest says', async () => {
    const decider = await start()
    const { failure } = notDecided(decider.add('a', 1, { deed: 'longWords' }))
    expect(failure.reason?.code).toHaveLength(128)
    expect(failure.reason?.message).toHaveLength(4_096)
    expect(failure.reason?.message.startsWith('\\u{7}\\u{7}')).toBe(true)
    expect(failure.reason?.message.endsWith('…')).toBe(true)
  })

  it('gives the ids of the events and their revisions back', async () => {
    const decider = await start()
    const answer = decided(decider.add('a', 1, { events: 3, headers: { who: 'me' } }))
    expect(answer.events.map(({ revision }) => revision)).toEqual([1, 2, 3])
    const store = writer(decider.folder)
    const stored = store.read('a', 1, { maxEvents: 10 }).events
    expect(stored.map(({ id }) => id)).toEqual(answer.events.map(({ id }) => id))
    expect(stored.map(({ batchIndex, batchSize }) => [batchIndex, batchSize])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ])
    expect(stored[0]?.headers).toEqual({ who: 'me' })
    store.close()
  })
})

describe('spec decider 16: ordered, chunked replay', () => {
  it('folds 1,203 events in chunks of 500, and none that came after the read', async () => {
    const folder = await deciderFolder()
    let interfere = (): void => undefined
    const decider = await start({
      folder,
      policy: { snapshots: false },
      onStore: (method) => {
        if (method === 'read') interfere()
      },
    })
    const other = writer(folder)
    for (let index = 0; index < 1_203; index += 1) write(other, 'long', 1)
    interfere = () => write(other, 'long', 100)
    const answer = decider.add('long', 1, { type: 'counter.any' })
    expect(counterBefore(answer)).toBe(1_203)
    expect(decided(answer).stats.replayedEvents).toBe(1_203)
    interfere = () => undefined
    const view = decider.ask('state', { streamId: 'long', at: 1_203 }) as StateView
    expect(Buffer.from(view.snapshot!).readBigInt64LE(0)).toBe(1_203n)
    const one = decider.ask('state', { streamId: 'long', at: 1 }) as StateView
    expect(Buffer.from(one.snapshot!).readBigInt64LE(0)).toBe(1n)
    other.close()
  })
})

describe('spec decider 16: guards', () => {
  const unsatisfiable = 'decider.precondition_unsatisfiable'
  it.each([
    ['counter.add', null, 'decided', 'decided'],
    ['counter.add', 1, unsatisfiable, 'decided'],
    ['counter.create', null, 'decided', 'decider.conflict'],
    ['counter.create', 1, unsatisfiable, unsatisfiable],
    ['counter.extend', null, 'decider.conflict', 'decided'],
    ['counter.extend', 1, unsatisfiable, 'decided'],
    ['counter.any', null, 'decided', 'decided'],
    ['counter.any', 1, unsatisfiable, 'decided'],
  ] as const)(
    '%s, expecting %s: no stream %s, a stream %s',
    async (type, expectedRevision, without, within) => {
      const decider = await start()
      const result = (streamId: string): string => {
        const outcome = decider.add(streamId, 1, { type, expectedRevision })
        if (outcome.outcome === 'decided') return 'decided'
        // Never retried: only another answer of the caller can help, or the same command where the stream may change.
        expect(outcome.stats?.attempts).toBe(1)
        return outcome.failure.error.code
      }
      expect(result('new')).toBe(without)
      decided(decider.add('there'))
      expect(result('there')).toBe(within)
    },
  )

  it('tell a lost revision from one that can never be', async () => {
    const decider = await start()
    for (let index = 0; index < 3; index += 1) decided(decider.add('a'))
    const lost = notDecided(decider.add('a', 1, { expectedRevision: 2 }))
    expect(lost.failure).toMatchObject({
      error: { code: 'decider.conflict', details: { reason: 'stream_moved', currentRevision: 3 } },
      retry: 'no',
    })
    // Known before the guest was asked to decide.
    expect(lost.stats?.guestMs.decide).toBeUndefined()
    expect(notDecided(decider.add('a', 1, { expectedRevision: 4 })).failure.error.code).toBe(unsatisfiable)
    const exists = notDecided(decider.add('a', 1, { type: 'counter.create' }))
    expect(exists.failure.error.details).toMatchObject({ reason: 'stream_exists' })
    const missing = notDecided(decider.add('b', 1, { type: 'counter.extend' }))
    expect(missing.failure.error.details).toMatchObject({ reason: 'stream_missing' })
  })
})

describe('spec decider 16: retry', () => {
  async function interfered(times: number, options: OpenOptions = {}): Promise<OpenDecider> {
    const folder = await deciderFolder()
    let left = times
    let other: SqliteEventStore | undefined
    const decider = await start({
      ...options,
      folder,
      onStore: (method) => {
        if (method !== 'appendAll' || left === 0) return
        left -= 1
        other ??= writer(folder)
        write(other, 'a', 10)
        if (left === 0) other.close()
      },
    })
    return decider
  }

  it('starts over until the stream stands still, and counts', async () => {
    const decider = await interfered(2)
    const answer = decided(decider.add('a'))
    expect(answer.stats).toMatchObject({ attempts: 3, conflicts: 2 })
    // The last round has read what the others wrote.
    expect(counterBefore(answer)).toBe(20)
    expect(answer.lastRevision).toBe(3)
  })

  it('gives up after the limit', async () => {
    const decider = await interfered(100)
    const answer = notDecided(decider.add('a'))
    expect(answer.failure).toMatchObject({ error: { code: 'decider.conflict' }, retry: 'yes' })
    expect(answer.stats).toMatchObject({ attempts: 4, conflicts: 4 })
  })

  it('is off where none is asked for', async () => {
    const decider = await interfered(1, { policy: { conflictRetries: 0 } })
    expect(notDecided(decider.add('a')).stats?.attempts).toBe(1)
  })

  it('does not concern commands that create, that take any state, or that expect a revision', async () => {
    const creating = await interfered(1)
    expect(notDecided(creating.add('a', 1, { type: 'counter.create' })).stats?.attempts).toBe(1)
    const any = await interfered(1)
    expect(decided(any.add('a', 1, { type: 'counter.any' })).stats).toMatchObject({
      attempts: 1,
      conflicts: 0,
    })
    const expecting = await interfered(0)
    decided(expecting.add('a'))
    const moved = await interfered(1)
    const store = writer(moved.folder)
    write(store, 'a', 1)
    store.close()
    expect(notDecided(moved.add('a', 1, { expectedRevision: 1 })).stats?.attempts).toBe(1)
  })
})

describe('spec decider 16: idempotency', () => {
  const commandId = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

  it('carries a command id out once, also after a restart, and derives its event ids', async () => {
    const decider = await start()
    const first = decided(decider.add('a', 5, { commandId, events: 2 }))
    expect(first.events.map(({ id }) => id)).toEqual([
      '7689a587-dc34-5882-9aeb-9368592f805f',
      'e2ee41ce-8334-587e-86d0-4c4519cbf424',
    ])
    const again = decided(decider.add('a', 5, { commandId, events: 2 }))
    expect(again).toMatchObject({ duplicate: true, firstRevision: 1, lastRevision: 2, events: first.events })
    expect(again.lastPosition).toBe(first.lastPosition)
    expect(again.stats.attempts).toBe(0)
    expect(again.stats.guestMs).toEqual({})
    stop(decider)
    const restarted = await start({ folder: decider.folder })
    expect(decided(restarted.add('a', 5, { commandId, events: 2 }))).toMatchObject({
      duplicate: true,
      events: first.events,
    })
    expect(notDecided(restarted.add('a', 6, { commandId, events: 2 })).failure.error.code).toBe(
      'decider.command_id_reused',
    )
    expect(
      notDecided(restarted.add('a', 5, { commandId, events: 2, type: 'counter.any' })).failure.error.code,
    ).toBe('decider.command_id_reused')
  })

  it('does not remember what was rejected', async () => {
    const decider = await start()
    for (let time = 0; time < 2; time += 1) {
      expect(notDecided(decider.add('a', 1, { commandId, deed: 'reject' })).outcome).toBe('rejected')
    }
    // The very same command, to another decision: the state is what changed in a real module.
    expect(decided(decider.add('a', 1, { commandId }))).toMatchObject({ duplicate: false })
  })

  it('notices the same id twice among commands that wait together', async () => {
    const decider = await start()
    const command = { payload: order('a', 5), commandId }
    const [first, second, other] = decider.batch([command, command, { payload: order('b', 1) }])
    expect(decided(first!).duplicate).toBe(false)
    expect(decided(second!)).toMatchObject({ duplicate: true, events: decided(first!).events })
    expect(decided(other!).lastRevision).toBe(1)
  })
})

describe('commands that wait together', () => {
  it('share one commit, except those of one stream, which see each other', async () => {
    const appends: number[] = []
    const decider = await start({
      onStore: (method, args) => {
        if (method === 'appendAll') appends.push((args[0] as unknown[]).length)
      },
    })
    const outcomes = decider.batch(
      ['a', 'b', 'c', 'a', 'd'].map((streamId) => ({ payload: order(streamId, 3) })),
    )
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(new Array(5).fill('decided'))
    expect(counterBefore(outcomes[3]!)).toBe(3)
    expect(appends).toEqual([3, 2])
  })

  it('fail each by itself', async () => {
    const decider = await start()
    const outcomes = decider.batch([
      { payload: order('a') },
      { payload: order('b', 1, { deed: 'unreachable' }) },
      { payload: order('c', 1, { deed: 'reject' }) },
      { payload: order('a') },
    ])
    expect(
      outcomes.map((each) => (each.outcome === 'decided' ? each.lastRevision : each.failure.error.code)),
    ).toEqual([1, 'sandbox.trap', 'decider.rejected', 2])
  })
})

describe('spec decider 16: fold before snapshot', () => {
  it('a resumed counter equals full replay: 10, not 7', async () => {
    const decider = await start({ policy: { snapshotFloor: 1 } })
    decided(decider.add('a', 7))
    decided(decider.add('a', 0))
    const taken = decided(decider.add('a', 3))
    expect(taken.stats.snapshotWrite).toBe('stored')
    const resumed = decider.add('a', 0)
    expect(decided(resumed).stats).toMatchObject({ snapshotRead: 'hit', replayedEvents: 0 })
    expect(counterBefore(resumed)).toBe(10)
  })

  it.each([
    [foldErrorAmount, 'decider.evolve_failed'],
    [foldTrapAmount, 'sandbox.trap'],
  ] as const)('events whose fold fails (%s) are not appended', async (amount, code) => {
    const decider = await start({ policy: { verifyDecided: true } })
    expect(notDecided(decider.add('a', amount, { type: 'counter.plain' })).failure.error.code).toBe(code)
    const due = await start()
    expect(notDecided(due.add('a', amount, { events: 3 })).failure.error.code).toBe(code)
    expect(decided(due.add('a', 1)).lastRevision).toBe(1)
  })
})
