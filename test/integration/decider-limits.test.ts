/** Snapshots, traps, limits and dry runs of deciders on a real store, in this process (spec decider 6, 8, 10, 13). */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { eventStoreFile } from '../../src/event-store/store-file.ts'
import { SqliteEventStore } from '../../src/event-store/sqlite/sqlite-store.ts'
import type { ExecutionStats } from '../../src/shared/contracts/decider.ts'
import { PaddockError } from '../../src/shared/errors.ts'
import { emptyCore, memoryCore, withCoreInstances } from '../support/component-parts.ts'
import {
  counter,
  counterBefore,
  decided,
  deciderComponent,
  deciderFolder,
  notDecided,
  order,
  type OpenDecider,
} from '../support/deciders.ts'
import { openedDeciders } from '../support/opened-deciders.ts'

const { component, start, stop } = openedDeciders()

/** Changes the file behind the store's back. */
function tamper(folder: string, sql: string, ...values: unknown[]): void {
  const database = new Database(eventStoreFile(folder, counter.name))
  database.prepare(sql).run(...values)
  database.close()
}

function appendElsewhere(folder: string, id: number): void {
  const store = new SqliteEventStore({
    path: eventStoreFile(folder, counter.name),
    module: counter.name,
    quotaBytes: null,
  })
  const payload = new Uint8Array(9)
  payload[0] = 100
  store.append({
    streamId: 'a',
    moduleVersion: 'other',
    guard: { kind: 'any' },
    observed: 0,
    events: [
      { id: `00000000-0000-7000-8000-${String(id).padStart(12, '0')}`, type: 'counter.added', payload },
    ],
    headers: {},
    command: null,
    snapshot: null,
  })
  store.close()
}

function stats(outcome: ReturnType<OpenDecider['add']>): ExecutionStats {
  if (outcome.stats === null) throw new Error('no stats')
  return outcome.stats
}

describe('spec decider 16: position rule', () => {
  it('no snapshot is stored when another wrote in between, and the next command equals full replay', async () => {
    const folder = await deciderFolder()
    let interfere = false
    const decider = await start({
      folder,
      onStore: (method) => {
        if (method === 'appendAll' && interfere) appendElsewhere(folder, 1)
      },
    })
    decided(decider.add('a', 1, { events: 2, type: 'counter.plain' }))
    interfere = true
    const between = decided(decider.add('a', 1, { type: 'counter.any' }))
    interfere = false
    expect(between).toMatchObject({ firstRevision: 4, stats: { snapshotWrite: 'interleaved' } })
    const next = decider.add('a', 0, { type: 'counter.any' })
    expect(stats(next)).toMatchObject({ snapshotRead: 'miss', replayedEvents: 4 })
    expect(counterBefore(next)).toBe(103)
  })
})

describe('spec decider 16: snapshot identity', () => {
  it('another version and another artifact miss, and a rollback finds the old one', async () => {
    const folder = await deciderFolder()
    const first = await start({ folder })
    decided(first.add('a', 2, { events: 3 }))
    expect(stats(first.add('a', 0))).toMatchObject({ snapshotRead: 'hit' })
    stop(first)
    const next = await start({ folder }, await deciderComponent({ ...counter, version: '0.2.0' }))
    const replayed = next.add('a', 0)
    expect(stats(replayed)).toMatchObject({ snapshotRead: 'miss', replayedEvents: 4 })
    expect(counterBefore(replayed)).toBe(6)
    stop(next)
    const rebuilt = await start({ folder }, await deciderComponent({ ...counter, bias: 1 }))
    const afresh = rebuilt.add('a', 0)
    expect(stats(afresh)).toMatchObject({ snapshotRead: 'other_artifact' })
    // The state of the other build is not fed to it: it folds with its own meaning.
    expect(counterBefore(afresh)).toBe(6 + 5)
    stop(rebuilt)
    const back = await start({ folder })
    expect(stats(back.add('a', 0)).snapshotRead).not.toBe('miss')
  })

  it('streams whose ids look alike do not share one', async () => {
    const decider = await start()
    const ids = ['a/b', 'a', 'a@0.1.0/b', '../a', 'a b', 'ä', 'a/b/c']
    for (const [index, id] of ids.entries()) decided(decider.add(id, index + 1, { events: 3 }))
    for (const [index, id] of ids.entries()) expect(counterBefore(decider.add(id, 0))).toBe(3 * (index + 1))
  })
})

describe('spec decider 16: cadence', () => {
  it('n = 3 with floor 1 is due at 3 and not before; a floor of 10 raises it, and shows', async () => {
    const decider = await start({ policy: { snapshotFloor: 1 } })
    expect(decider.opened.effectiveSnapshots).toMatchObject({ 'counter.add': 3, 'counter.plain': null })
    const writes = [1, 2, 3, 4, 5, 6].map(() => stats(decider.add('a')).snapshotWrite)
    expect(writes).toEqual(['none', 'none', 'stored', 'none', 'none', 'stored'])
    const floored = await start({ policy: { snapshotFloor: 10 } })
    expect(floored.opened.effectiveSnapshots).toMatchObject({ 'counter.add': 10 })
    const later = Array.from({ length: 10 }, () => stats(floored.add('a')).snapshotWrite)
    expect(later.slice(0, 9)).toEqual(new Array(9).fill('none'))
    expect(later[9]).toBe('stored')
    const own = await start({ policy: { snapshotEvery: { 'counter.add': 2 } } })
    expect(own.opened.effectiveSnapshots).toMatchObject({ 'counter.add': 2, 'counter.any': 3 })
  })

  it('a command without snapshots is never asked for one', async () => {
    const decider = await start()
    const outcome = decided(decider.add('a', 1, { type: 'counter.plain', events: 9, deed: 'snapshotTrap' }))
    expect(outcome.stats).toMatchObject({ snapshotWrite: 'none', traps: [] })
  })
})

describe('spec decider 16: untrusted snapshot', () => {
  const damages: readonly (readonly [string, string, readonly unknown[]])[] = [
    ['ahead of the head', 'UPDATE snapshots SET revision = 99', []],
    ['a trapping constructor', 'UPDATE snapshots SET payload = ?', [Buffer.alloc(3)]],
    ['a flipped byte', 'UPDATE snapshots SET payload = ?', [Buffer.alloc(16, 1)]],
  ]
  it.each(damages)('%s: discard heals in one command', async (_what, sql, values) => {
    const folder = await deciderFolder()
    const decider = await start({ folder })
    decided(decider.add('a', 2, { events: 3 }))
    tamper(folder, sql, ...values)
    const healed = decider.add('a', 1)
    expect(stats(healed).snapshotRead).toMatch(/^discarded_/)
    expect(counterBefore(healed)).toBe(6)
    expect(decider.log.join('\n') + stats(healed).snapshotRead).toContain('discarded')
    const next = decider.add('a', 1)
    expect(stats(next).snapshotRead).toBe('hit')
    expect(counterBefore(next)).toBe(7)
  })

  it.each(damages)('%s: fail says so, and writes nothing', async (_what, sql, values) => {
    const folder = await deciderFolder()
    const decider = await start({ folder, policy: { untrustedSnapshots: 'fail' } })
    decided(decider.add('a', 2, { events: 3 }))
    tamper(folder, sql, ...values)
    const failed = notDecided(decider.add('a', 1))
    expect(failed.failure.error.code).toBe('decider.snapshot_untrusted')
    expect(failed.stats?.snapshotRead).toBe('failed')
  })

  it('is deleted even where none is due', async () => {
    const folder = await deciderFolder()
    const decider = await start({ folder })
    decided(decider.add('a', 2, { events: 3 }))
    tamper(folder, 'UPDATE snapshots SET payload = ?', Buffer.alloc(3))
    decided(decider.add('a', 1, { type: 'counter.plain' }))
    expect(decider.ask('read', { kind: 'snapshots', streamId: 'a' })).toEqual({
      kind: 'snapshots',
      snapshots: [],
    })
  })
})

describe('spec decider 12: I1', () => {
  it('a stream that lacks an event is not decided on', async () => {
    const folder = await deciderFolder()
    const decider = await start({ folder, policy: { snapshots: false } })
    decided(decider.add('a', 2, { events: 4 }))
    tamper(folder, 'DROP TRIGGER events_kept')
    tamper(folder, 'DELETE FROM events WHERE revision = 3')
    const { failure } = notDecided(decider.add('a', 1))
    expect(failure.error).toMatchObject({
      code: 'store.corrupt',
      message: expect.stringContaining('revision 3'),
    })
  })
})

describe('spec decider 16: session drop', () => {
  it.each([
    ['count', {}],
    ['reject', {}],
    ['fault', {}],
    ['nothing', {}],
    ['emptyType', {}],
    ['count', { amount: 255, events: 3 }],
  ] as const)(
    '%s %o: every session is dropped',
    async (deed, { amount = 1, events = 1 }: { amount?: number; events?: number }) => {
      const decider = await start()
      expect(stats(decider.add('a', amount, { deed, events }))).toMatchObject({
        sessionsCreated: 1,
        sessionsDropped: 1,
      })
    },
  )

  it('also when a read between chunks fails', async () => {
    let fail = false
    const decider = await start({
      policy: { snapshots: false },
      onStore: (method) => {
        if (fail && method === 'read') throw new Error('gone')
      },
    })
    decided(decider.add('a', 1, { events: 600 }))
    fail = true
    expect(stats(decider.add('a'))).toMatchObject({ sessionsCreated: 1, sessionsDropped: 1 })
  })

  it('a trap in the destructor is counted and changes no outcome', async () => {
    const decider = await start()
    const outcome = decided(decider.add('a', 1, { deed: 'dropTrap' }))
    expect(outcome.stats).toMatchObject({
      sessionsDropped: 0,
      traps: [{ phase: 'drop', code: 'sandbox.trap' }],
    })
  })

  it('a trap in snapshot no longer costs the command', async () => {
    const decider = await start()
    const outcome = decided(decider.add('a', 1, { events: 3, deed: 'snapshotTrap' }))
    expect(outcome.stats).toMatchObject({ snapshotWrite: 'trapped', traps: [{ phase: 'snapshot' }] })
    expect(counterBefore(decider.add('a'))).toBe(3)
  })
})

describe('spec decider 16: trap kinds', () => {
  it.each([
    ['endless', 'sandbox.out_of_fuel'],
    ['recurse', 'sandbox.stack_overflow'],
    ['bomb', 'sandbox.out_of_memory'],
    ['unreachable', 'sandbox.trap'],
    ['streamTrap', 'sandbox.trap'],
  ] as const)('%s is %s, appends nothing, and the next command is answered', async (deed, code) => {
    const decider = await start({ policy: { fuelPerCall: 20_000_000 } })
    const failed = notDecided(decider.add('a', 1, { deed }))
    expect(failed.failure).toMatchObject({
      error: { code },
      phase: deed === 'streamTrap' ? 'stream_id' : 'decide',
    })
    expect(failed.stats?.traps).toHaveLength(1)
    expect(decided(decider.add('a')).lastRevision).toBe(1)
  })
})

describe('spec decider 16: limits', () => {
  const rule = (outcome: ReturnType<OpenDecider['add']>): unknown =>
    outcome.outcome === 'decided' ? 'decided' : outcome.failure.error.details?.['rule']

  it('events per decision: 1,000 and 1,001', async () => {
    const decider = await start()
    expect(rule(decider.add('a', 1, { events: 1_000 }))).toBe('decided')
    expect(rule(decider.add('a', 1, { events: 1_001 }))).toBe('events-per-decision')
  })

  it('bytes of an event: 1 MiB and one more', async () => {
    const decider = await start()
    expect(rule(decider.add('a', 0, { deed: 'bigEvent' }))).toBe('decided')
    expect(rule(decider.add('a', 1, { deed: 'bigEvent' }))).toBe('event-bytes')
  })

  it('bytes of a decision: 4 MiB and more', async () => {
    const decider = await start()
    expect(rule(decider.add('a', 0, { deed: 'bigEvent', events: 4 }))).toBe('decided')
    expect(rule(decider.add('b', 0, { deed: 'bigEvent', events: 5 }))).toBe('decision-bytes')
  })

  it('bytes of an event type: 256 and 257', async () => {
    const decider = await start()
    expect(rule(decider.add('a', 0, { deed: 'longType' }))).toBe('decided')
    expect(rule(decider.add('a', 1, { deed: 'longType' }))).toBe('event-type')
  })

  it('bytes of a stream id: 512 and 513, and none', async () => {
    const decider = await start()
    expect(rule(decider.add('s'.repeat(512)))).toBe('decided')
    expect(rule(decider.add('s'.repeat(513)))).toBe('stream-id')
    expect(rule(decider.add(''))).toBe('stream-id')
    expect(rule(decider.add('ä'.repeat(256)))).toBe('decided')
    expect(rule(decider.add('ä'.repeat(257)))).toBe('stream-id')
  })

  it('replayed events: as many as allowed, and one more', async () => {
    const decider = await start({ policy: { replayLimit: 5, snapshots: false } })
    decided(decider.add('a', 1, { events: 5 }))
    expect(decided(decider.add('a')).lastRevision).toBe(6)
    const failed = notDecided(decider.add('a'))
    expect(failed.failure.error).toMatchObject({ code: 'decider.replay_limit', details: { limit: 5 } })
    expect(failed.failure.error.message).toContain('snapshot more often')
  })

  it('a snapshot over 4 MiB is skipped and reported', async () => {
    const decider = await start()
    expect(stats(decider.add('a', 1, { events: 3, deed: 'bigSnapshot' })).snapshotWrite).toBe('oversize')
    expect(stats(decider.add('b', 1, { events: 3, deed: 'noSnapshot' })).snapshotWrite).toBe('declined')
  })

  it('memory: what the limit holds and no more', async () => {
    const decider = await start({ limits: { memoryBytes: 8 * 1024 * 1024 } })
    const failed = notDecided(decider.add('a', 1, { deed: 'bomb' }))
    expect(failed.failure.error.code).toBe('sandbox.out_of_memory')
  })

  it('fuel: each replayed event adds to the budget', async () => {
    const decider = await start({ policy: { fuelPerCall: 10_000, fuelPerEvent: 1_000, snapshots: false } })
    for (let time = 0; time < 4; time += 1) decided(decider.add('a', 1, { events: 100 }))
    expect(decided(decider.add('a')).stats.fuel.replay).toBeGreaterThan(10_000)
    const starved = await start({ policy: { fuelPerCall: 10_000, fuelPerEvent: 10, snapshots: false } })
    let last = starved.add('a', 1, { events: 100 })
    for (let time = 0; time < 4 && last.outcome === 'decided'; time += 1)
      last = starved.add('a', 1, { events: 100 })
    expect(notDecided(last).failure).toMatchObject({
      error: { code: 'sandbox.out_of_fuel' },
      phase: 'replay',
    })
  })

  const openedWith = async (which: Uint8Array): Promise<unknown> => {
    try {
      await start({}, which)
      return 'opened'
    } catch (error) {
      return error instanceof PaddockError ? [error.code, error.message] : error
    }
  }
  const refused = (what: string): unknown => ['compiler.over_limit', expect.stringContaining(what)]
  const tables = (count: number, text = '(table 1 funcref)'): Promise<Uint8Array> =>
    deciderComponent({ ...counter, more: Array.from({ length: count }, () => text).join('\n') })

  it('elements of a table: 65,536 and one more, refused before anything is compiled', async () => {
    expect(await openedWith(await tables(1, '(table 65536 funcref)'))).toBe('opened')
    expect(await openedWith(await tables(1, '(table 65537 funcref)'))).toEqual(
      refused('at most 65536 are allowed'),
    )
  })

  it('tables: 32 and one more', async () => {
    // The componentizer's own shim has one.
    expect(await openedWith(await tables(31))).toBe('opened')
    expect(await openedWith(await tables(32))).toEqual(
      refused('The component has 33 tables; at most 32 are allowed.'),
    )
  })

  it('memories: 4 and one more', async () => {
    expect(await openedWith(withCoreInstances(component(), memoryCore, 3))).toBe('opened')
    expect(await openedWith(withCoreInstances(component(), memoryCore, 4))).toEqual(
      refused('The component has 5 memories; at most 4 are allowed.'),
    )
  })

  it('core instances: 64 and one more', async () => {
    // The counter's own, its shim's and the one that fills the shim's table.
    expect(await openedWith(withCoreInstances(component(), emptyCore, 61))).toBe('opened')
    expect(await openedWith(withCoreInstances(component(), emptyCore, 62))).toEqual(
      refused('The component has 65 core instances; at most 64 are allowed.'),
    )
  })

  it('the quota of the store', async () => {
    const decider = await start({ limits: { storeBytes: 400_000 } })
    const failed = notDecided(decider.add('a', 0, { deed: 'bigEvent' }))
    expect(failed.failure.error.code).toBe('store.quota_exceeded')
    expect(decided(decider.add('a')).lastRevision).toBe(1)
  })
})

describe('spec decider 16: dry run', () => {
  async function digest(folder: string): Promise<string> {
    return createHash('sha256')
      .update(await readFile(eventStoreFile(folder, counter.name)))
      .digest('hex')
  }

  it('leaves the database file byte-identical', async () => {
    const folder = await deciderFolder()
    const decider = await start({ folder })
    decided(decider.add('a', 4, { events: 2 }))
    stop(decider)
    const again = await start({ folder })
    const before = await digest(folder)
    const would = decided(again.dryRun({ payload: order('a', 1) }))
    expect(would).toMatchObject({
      firstRevision: 3,
      lastRevision: 3,
      duplicate: false,
      stats: { guard: 'at' },
    })
    expect(would.events[0]?.revision).toBeNull()
    expect(counterBefore(would)).toBe(8)
    const past = decided(again.dryRun({ payload: order('a', 1) }, 1))
    expect(counterBefore(past)).toBe(4)
    expect(past.firstRevision).toBe(2)
    expect(notDecided(again.dryRun({ payload: order('a', 1, { deed: 'reject' }) })).outcome).toBe('rejected')
    // A fold that fails shows, although no snapshot is due.
    expect(notDecided(again.dryRun({ payload: order('a', 255) })).failure.error.code).toBe(
      'decider.evolve_failed',
    )
    stop(again)
    expect(await digest(folder)).toBe(before)
  })
})
