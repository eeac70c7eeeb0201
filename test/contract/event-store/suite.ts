/** What every event store must do (spec decider 11): one suite, run on each implementation. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type {
  AppendOutcome,
  AppendRequest,
  EventStore,
  NewCommand,
  RecordedEvent,
} from '../../../src/event-store/event-store.ts'
import type { Guard } from '../../../src/event-store/guard.ts'
import { commandFingerprint, eventId } from '../../../src/event-store/identities.ts'

/** The interface, answered at once or later: stores behind a server answer later. */
export type Awaitable<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => R | Promise<R> : T[K]
}
export type AnyStore = Awaitable<Omit<EventStore, 'warning' | 'usedBytes'>>

export interface StoreUnderTest {
  /** Opens a store of `module`; one opened again under the same name holds what was left in it. */
  open(module?: string): Promise<AnyStore>
  close(): Promise<void>
}

const versionA = { moduleVersion: '1.0.0', artifact: 'a'.repeat(64) }
const none = { kind: 'none' } as const
const any = { kind: 'any' } as const
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')

export function command(type: string, payload: string, id: string = randomUUID()): NewCommand {
  return { id, type, fingerprint: commandFingerprint(type, bytes(payload)) }
}

/** A decision of `amount` events, with ids as the pipeline gives them. */
export function decision(
  streamId: string,
  guard: Guard,
  amount: number,
  more: Partial<AppendRequest> = {},
): AppendRequest {
  const known = more.command ?? null
  const events = Array.from({ length: amount }, (_, index) => ({
    id: eventId(known?.id ?? null, index),
    type: `demo.happened.${index % 2}`,
    payload: bytes(JSON.stringify({ index })),
  }))
  return {
    streamId,
    moduleVersion: '1.0.0',
    guard,
    observed: guard.kind === 'at' ? guard.revision : 0,
    events,
    headers: {},
    command: null,
    snapshot: null,
    ...more,
  }
}

async function appended(
  store: AnyStore,
  request: AppendRequest,
): Promise<Extract<AppendOutcome, { kind: 'appended' }>> {
  const outcome = await store.append(request)
  if (outcome.kind !== 'appended') throw new Error(`not appended: ${JSON.stringify(outcome)}`)
  return outcome
}

async function all(store: AnyStore, after = 0, pageSize = 7): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for (let from = after; ;) {
    const page = await store.feed(from, {}, pageSize)
    events.push(...page.events)
    from = page.next
    if (!page.more) return events
  }
}

async function mustBeWhole(store: AnyStore): Promise<void> {
  const report = await store.integrityCheck()
  expect(report.problems).toEqual([])
  expect(report.ok).toBe(true)
}

/** Runs the suite on what `make` makes anew for each test. */
export function eventStoreSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`event store contract: ${name}`, () => {
    let under: StoreUnderTest
    let store: AnyStore

    beforeEach(async () => {
      under = await make()
      store = await under.open()
    })
    afterEach(async () => {
      await under.close()
    })

    it('an empty store has no heads, events or positions', async () => {
      expect(await store.head('s')).toBeNull()
      expect(await store.read('s', 1, { maxEvents: 10 })).toEqual({ head: 0, events: [] })
      expect(await store.feed(0, {}, 10)).toEqual({ events: [], next: 0, more: false })
      expect(await store.totals()).toMatchObject({ streams: 0, events: 0, lastPosition: 0 })
      await mustBeWhole(store)
    })

    it('spec decider 11: append is ordered and whole; revisions are contiguous, positions grow', async () => {
      const first = await appended(store, decision('s', none, 3, { headers: { b: '2', a: '1' } }))
      expect(first).toMatchObject({ firstRevision: 1, lastRevision: 3 })
      const other = await appended(store, decision('t', none, 1))
      const second = await appended(store, decision('s', { kind: 'at', revision: 3 }, 2))
      expect(second).toMatchObject({ firstRevision: 4, lastRevision: 5 })
      expect(other.lastPosition).toBeGreaterThan(first.lastPosition)
      expect(second.lastPosition).toBeGreaterThan(other.lastPosition)

      const { head, events } = await store.read('s', 1, { maxEvents: 100 })
      expect(head).toBe(5)
      expect(events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5])
      expect(events.map(({ batchIndex, batchSize }) => [batchIndex, batchSize])).toEqual([
        [0, 3],
        [1, 3],
        [2, 3],
        [0, 2],
        [1, 2],
      ])
      expect(events[0]).toMatchObject({ streamId: 's', type: 'demo.happened.0', headers: { a: '1', b: '2' } })
      expect(Object.keys(events[0]?.headers ?? {})).toEqual(['a', 'b'])
      expect(Buffer.from(events[1]!.payload).toString()).toBe('{"index":1}')
      expect(await store.head('s')).toMatchObject({
        streamId: 's',
        revision: 5,
        lastPosition: second.lastPosition,
      })
      const positions = (await all(store)).map(({ position }) => position)
      expect(positions).toEqual([...positions].sort((a, b) => a - b))
      expect(new Set(positions).size).toBe(6)
      await mustBeWhole(store)
    })

    it('spec decider 11: reads begin at a revision inclusive and end at each bound', async () => {
      await appended(store, decision('s', none, 10))
      await appended(store, decision('s', { kind: 'at', revision: 10 }, 5))
      const revisions = async (from: number, bounds: Parameters<EventStore['read']>[2]): Promise<number[]> =>
        (await store.read('s', from, bounds)).events.map(({ revision }) => revision)
      expect(await revisions(4, { maxEvents: 3 })).toEqual([4, 5, 6])
      expect(await revisions(9, { maxEvents: 4 })).toEqual([9, 10, 11, 12])
      expect(await revisions(9, { maxEvents: 100, upTo: 11 })).toEqual([9, 10, 11])
      expect(await revisions(1, { maxEvents: 100, maxBytes: 23 })).toEqual([1, 2])
      expect(await revisions(1, { maxEvents: 100, maxBytes: 1 })).toEqual([1])
      expect(await store.read('s', 16, { maxEvents: 5 })).toEqual({ head: 15, events: [] })
    })

    it.each<[Guard, number, string | null]>([
      [{ kind: 'any' }, 0, null],
      [{ kind: 'any' }, 2, null],
      [{ kind: 'none' }, 0, null],
      [{ kind: 'none' }, 2, 'stream_exists'],
      [{ kind: 'exists' }, 0, 'stream_missing'],
      [{ kind: 'exists' }, 2, null],
      [{ kind: 'at', revision: 2 }, 0, 'stream_missing'],
      [{ kind: 'at', revision: 2 }, 2, null],
      [{ kind: 'at', revision: 1 }, 2, 'stream_moved'],
      [{ kind: 'at', revision: 3 }, 2, 'stream_moved'],
    ])('spec decider 5: guard %j on a stream of %i events: %s', async (guard, head, reason) => {
      if (head > 0) await appended(store, decision('s', none, head))
      const outcome = await store.append(decision('s', guard, 1))
      if (reason === null) expect(outcome).toMatchObject({ kind: 'appended', firstRevision: head + 1 })
      else expect(outcome).toEqual({ kind: 'conflict', reason, head })
      expect((await store.read('s', 1, { maxEvents: 10 })).head).toBe(head + (reason === null ? 1 : 0))
      await mustBeWhole(store)
    })

    it('spec decider 7: the same command twice leaves one set of events, another payload is refused', async () => {
      const known = command('demo.do', 'x')
      const first = await appended(store, decision('s', none, 2, { command: known }))
      const again = await store.append(decision('s', any, 2, { command: known }))
      const record = {
        id: known.id,
        type: 'demo.do',
        fingerprint: known.fingerprint,
        streamId: 's',
        firstRevision: 1,
        lastRevision: 2,
        lastPosition: first.lastPosition,
        moduleVersion: '1.0.0',
      }
      expect(again).toMatchObject({ kind: 'duplicate', command: record })
      const other = await store.append(decision('s', any, 1, { command: command('demo.do', 'y', known.id) }))
      expect(other).toMatchObject({ kind: 'command-id-reused', command: record })
      expect(await store.findCommand(known.id)).toMatchObject(record)
      expect(await store.findCommand(randomUUID())).toBeNull()
      expect(await store.commandOf('s', 2)).toMatchObject(record)
      expect((await store.read('s', 1, { maxEvents: 10 })).events.map(({ id }) => id)).toEqual([
        eventId(known.id, 0),
        eventId(known.id, 1),
      ])
      await mustBeWhole(store)
    })

    it('spec decider 7: a command is known after the store was opened again', async () => {
      const known = command('demo.do', 'x')
      await appended(store, decision('s', none, 2, { command: known }))
      await store.close()
      store = await under.open()
      expect(await store.findCommand(known.id)).toMatchObject({ streamId: 's', lastRevision: 2 })
      expect(await store.append(decision('s', any, 2, { command: known }))).toMatchObject({
        kind: 'duplicate',
      })
      expect(await store.head('s')).toMatchObject({ revision: 2 })
    })

    it('a conflict records nothing: not the command, not the snapshot', async () => {
      await appended(store, decision('s', none, 1))
      const known = command('demo.do', 'x')
      const snapshot = { artifact: versionA.artifact, payload: bytes('state') }
      const outcome = await store.append(decision('s', none, 1, { command: known, snapshot }))
      expect(outcome.kind).toBe('conflict')
      expect(await store.findCommand(known.id)).toBeNull()
      expect(await store.getSnapshot({ streamId: 's', ...versionA })).toEqual({ kind: 'miss' })
    })

    it('spec decider 6: snapshots are kept by version, and another artifact is a miss', async () => {
      const snapshot = { artifact: versionA.artifact, payload: bytes('state 2') }
      expect(await appended(store, decision('s', none, 2, { snapshot }))).toMatchObject({
        snapshot: 'stored',
      })
      const hit = await store.getSnapshot({ streamId: 's', ...versionA })
      expect(hit).toMatchObject({ kind: 'hit', revision: 2 })
      expect(hit.kind === 'hit' && Buffer.from(hit.payload).toString()).toBe('state 2')
      const otherVersion = { streamId: 's', moduleVersion: '2.0.0', artifact: versionA.artifact }
      expect(await store.getSnapshot(otherVersion)).toEqual({ kind: 'miss' })
      const otherArtifact = { streamId: 's', moduleVersion: '1.0.0', artifact: 'b'.repeat(64) }
      expect(await store.getSnapshot(otherArtifact)).toEqual({
        kind: 'other-artifact',
        artifact: versionA.artifact,
      })
      // A new version writes its own; going back finds the old one.
      await appended(
        store,
        decision('s', { kind: 'at', revision: 2 }, 1, { moduleVersion: '2.0.0', snapshot }),
      )
      expect(await store.getSnapshot(otherVersion)).toMatchObject({ kind: 'hit', revision: 3 })
      expect(await store.getSnapshot({ streamId: 's', ...versionA })).toMatchObject({
        kind: 'hit',
        revision: 2,
      })
      expect(
        (await store.snapshotsOf('s')).map(({ moduleVersion, revision }) => [moduleVersion, revision]),
      ).toEqual([
        ['1.0.0', 2],
        ['2.0.0', 3],
      ])
      expect(await store.deleteSnapshot({ streamId: 's', moduleVersion: '2.0.0' })).toBe(true)
      expect(await store.deleteSnapshot({ streamId: 's', moduleVersion: '2.0.0' })).toBe(false)
      expect(await store.getSnapshot(otherVersion)).toEqual({ kind: 'miss' })
      await mustBeWhole(store)
    })

    it('spec decider 6: streams whose names collide when joined naively share no snapshot', async () => {
      const names = [
        'a/b',
        'b',
        'a',
        '@',
        'x@1/y',
        '..',
        '../s',
        'with space',
        'ümlaut 日本',
        'a.b',
        'a*',
        '>',
        '%2F',
      ]
      for (const name of names) {
        const snapshot = { artifact: versionA.artifact, payload: bytes(name) }
        await appended(store, decision(name, none, 1, { snapshot }))
      }
      for (const name of names) {
        const found = await store.getSnapshot({ streamId: name, ...versionA })
        expect(found.kind === 'hit' && Buffer.from(found.payload).toString()).toBe(name)
        expect((await store.read(name, 1, { maxEvents: 5 })).events.map(({ streamId }) => streamId)).toEqual([
          name,
        ])
      }
      await mustBeWhole(store)
    })

    it('spec decider 6, position rule: no snapshot is stored over events the session never saw', async () => {
      await appended(store, decision('s', none, 2))
      await appended(store, decision('s', any, 1, { observed: 2 }))
      const snapshot = { artifact: versionA.artifact, payload: bytes('blind') }
      expect(await appended(store, decision('s', any, 1, { observed: 2, snapshot }))).toMatchObject({
        snapshot: 'interleaved',
        lastRevision: 4,
      })
      expect(await store.getSnapshot({ streamId: 's', ...versionA })).toEqual({ kind: 'miss' })
    })

    it('an untrusted snapshot is discarded with the append, due or not', async () => {
      const snapshot = { artifact: versionA.artifact, payload: bytes('bad') }
      await appended(store, decision('s', none, 1, { snapshot }))
      await appended(store, decision('s', { kind: 'at', revision: 1 }, 1, { discardSnapshot: true }))
      expect(await store.getSnapshot({ streamId: 's', ...versionA })).toEqual({ kind: 'miss' })
      await appended(
        store,
        decision('s', { kind: 'at', revision: 2 }, 1, { discardSnapshot: true, snapshot }),
      )
      expect(await store.getSnapshot({ streamId: 's', ...versionA })).toMatchObject({
        kind: 'hit',
        revision: 3,
      })
    })

    it('spec decider 4 step 6: history is snapshot, head and the events behind it', async () => {
      const snapshot = { artifact: versionA.artifact, payload: bytes('state') }
      await appended(store, decision('s', none, 4, { snapshot }))
      await appended(store, decision('s', { kind: 'at', revision: 4 }, 3))
      const after = await store.history('s', versionA, { maxEvents: 2 })
      expect(after).toMatchObject({ head: 7, snapshot: { kind: 'hit', revision: 4 } })
      expect(after.events.map(({ revision }) => revision)).toEqual([5, 6])
      const full = await store.history('s', null, { maxEvents: 10 })
      expect(full.snapshot).toEqual({ kind: 'miss' })
      expect(full.events).toHaveLength(7)
      expect(await store.history('unknown', versionA, { maxEvents: 10 })).toEqual({
        head: 0,
        events: [],
        snapshot: { kind: 'miss' },
      })
    })

    it('a group of decisions is appended in order, and one that fails takes no other with it', async () => {
      await appended(store, decision('b', none, 1))
      const known = command('demo.do', 'x')
      const outcomes = await store.appendAll([
        decision('a', none, 2, { command: known }),
        decision('b', none, 1),
        decision('c', none, 1),
      ])
      expect(outcomes.map(({ kind }) => kind)).toEqual(['appended', 'conflict', 'appended'])
      expect(await store.findCommand(known.id)).toMatchObject({ streamId: 'a', lastRevision: 2 })
      expect((await all(store)).map(({ streamId }) => streamId).sort()).toEqual(['a', 'a', 'b', 'c'])
      await mustBeWhole(store)
    })

    it('the feed is paged in global order and filtered by type and stream', async () => {
      for (let round = 0; round < 6; round += 1) {
        for (const stream of ['s', 't', 'u']) await appended(store, decision(stream, any, 1 + (round % 3)))
      }
      const everything = await all(store, 0, 5)
      expect(everything).toHaveLength(36)
      expect(everything.map(({ position }) => position)).toEqual(
        everything.map(({ position }) => position).sort((a, b) => a - b),
      )
      const collect = async (filter: Parameters<EventStore['feed']>[1]): Promise<RecordedEvent[]> => {
        const found: RecordedEvent[] = []
        for (let after = 0, more = true; more;) {
          const page = await store.feed(after, filter, 4)
          found.push(...page.events)
          expect(page.next).toBeGreaterThanOrEqual(after)
          after = page.next
          more = page.more
        }
        return found
      }
      const identities = (events: readonly RecordedEvent[]): string[] => events.map(({ id }) => id)
      expect(identities(await collect({ streamId: 't' }))).toEqual(
        identities(everything.filter(({ streamId }) => streamId === 't')),
      )
      expect(identities(await collect({ types: ['demo.happened.1'] }))).toEqual(
        identities(everything.filter(({ type }) => type === 'demo.happened.1')),
      )
      expect(await collect({ types: ['demo.happened.0', 'demo.happened.1', 'other'] })).toHaveLength(36)
      expect(await collect({ types: ['demo.happened.1'], streamId: 'u' })).toHaveLength(
        everything.filter(({ type, streamId }) => type === 'demo.happened.1' && streamId === 'u').length,
      )
      expect(await collect({ types: ['other'] })).toEqual([])
      const middle = everything[17]!.position
      expect(identities(await all(store, middle))).toEqual(identities(everything.slice(18)))
    })

    it('streams are listed by name, page by page', async () => {
      for (const stream of ['b-2', 'a', 'b-1', 'c', 'b-10']) await appended(store, decision(stream, none, 2))
      const names = async (query: Parameters<EventStore['streams']>[0]): Promise<string[]> =>
        (await store.streams(query)).map(({ streamId }) => streamId)
      expect(await names({ limit: 10 })).toEqual(['a', 'b-1', 'b-10', 'b-2', 'c'])
      expect(await names({ prefix: 'b-', limit: 2 })).toEqual(['b-1', 'b-10'])
      expect(await names({ prefix: 'b-', after: 'b-10', limit: 2 })).toEqual(['b-2'])
      expect(await store.totals()).toMatchObject({ streams: 5, events: 10 })
    })

    it('projections remember how far they are, and begin anew when dropped', async () => {
      const { lastPosition } = await appended(store, decision('s', none, 3))
      expect(await store.projection('p')).toBeNull()
      await store.setProjection('p', lastPosition, null)
      expect(await store.projection('p')).toMatchObject({ name: 'p', position: lastPosition, error: null })
      await store.setProjection('p', lastPosition, 'failed')
      await store.setProjection('q', 0, null)
      expect((await store.projections()).map(({ name, error }) => [name, error])).toEqual([
        ['p', 'failed'],
        ['q', null],
      ])
      await mustBeWhole(store)
      await store.deleteProjection('p')
      expect(await store.projection('p')).toBeNull()
    })

    it('payloads, types and headers come back as they were', async () => {
      const payload = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
      const headers = { 'x-é': 'ü 日本', __proto__x: '1', empty: '' }
      const events = [
        { id: eventId(null, 0), type: 'type.googleapis.com/demo.Event/ü', payload },
        { id: eventId(null, 1), type: 'empty', payload: new Uint8Array(0) },
      ]
      await appended(store, decision('s', none, 1, { events, headers }))
      const found = (await store.read('s', 1, { maxEvents: 10 })).events
      expect(found.map(({ type }) => type)).toEqual(['type.googleapis.com/demo.Event/ü', 'empty'])
      expect(Buffer.compare(found[0]!.payload, payload)).toBe(0)
      expect(found[1]!.payload).toHaveLength(0)
      expect(found[0]!.headers).toEqual(headers)
    })

    it('two writers: one wins, the other learns that the stream moved', async () => {
      const other = await under.open()
      await appended(store, decision('s', none, 1))
      expect(await other.head('s')).toMatchObject({ revision: 1 })
      const outcomes = [
        await store.append(decision('s', { kind: 'at', revision: 1 }, 2)),
        await other.append(decision('s', { kind: 'at', revision: 1 }, 2)),
      ]
      expect(outcomes).toMatchObject([
        { kind: 'appended', lastRevision: 3 },
        { kind: 'conflict', reason: 'stream_moved', head: 3 },
      ])
      const known = command('demo.do', 'x')
      await appended(other, decision('s', any, 1, { command: known }))
      expect(await store.append(decision('s', any, 1, { command: known }))).toMatchObject({
        kind: 'duplicate',
      })
      await mustBeWhole(store)
      await other.close()
    })

    it('decisions are restored as they were recorded, and only onto their own heads', async () => {
      const known = command('demo.do', 'x')
      await appended(store, decision('s', none, 2, { command: known, headers: { a: '1' } }))
      await appended(store, decision('t', none, 1))
      const copy = await under.open('copy')
      const events = await all(store)
      const record = await store.findCommand(known.id)
      const { id, fingerprint, type, moduleVersion, recordedAt } = record!
      await copy.restore([
        {
          streamId: 's',
          firstRevision: 1,
          events: events
            .slice(0, 2)
            .map((event) => ({ id: event.id, type: event.type, payload: event.payload })),
          headers: { a: '1' },
          command: { id, fingerprint, type, moduleVersion, recordedAt },
          recordedAt: events[0]!.recordedAt,
        },
      ])
      const plain = (event: RecordedEvent): unknown => ({
        ...event,
        position: 0,
        payload: Buffer.from(event.payload).toString('hex'),
      })
      expect((await all(copy)).map(plain)).toEqual(events.slice(0, 2).map(plain))
      expect(await copy.findCommand(known.id)).toMatchObject({ ...record, lastPosition: expect.any(Number) })
      const gap = {
        streamId: 't',
        firstRevision: 2,
        events: [events[2]!],
        headers: {},
        command: null,
        recordedAt: 1,
      }
      await expect(async () => copy.restore([gap])).rejects.toMatchObject({ code: 'store.import_mismatch' })
      expect(await copy.head('t')).toBeNull()
      await mustBeWhole(copy)
      await copy.close()
    })
  })
}
