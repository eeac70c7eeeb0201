import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { callContext } from '../../../../test/support/call-context.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { until } from '../../../../test/support/until.ts'
import { WakuNode } from '../../../../test/support/waku-node.ts'
import { moduleGrantsSchema } from '../../../shared/domain/operator/grants.ts'
import { defaultOperator, type Operator } from '../../../shared/domain/operator/operator.ts'
import { systemClock, type Clock } from '../../clock.ts'
import type { MessageEvent } from '../../events/message-source.ts'
import { HostFailure, type HostCallContext } from '../capability.ts'
import { createMessaging, type Messaging } from './create-messaging.ts'
import type { GuestMessage } from './messaging-capability.ts'
import { MessageDatabase } from './retention/message-database.ts'
import { isContentTopic, isTopicGranted } from './topics.ts'

const threadEntry = new URL('./retention/message-thread.ts', import.meta.url)
const topic = '/paddock/1/news/json'

let folder: string
let open: Messaging[] = []

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'paddock-messaging-'))
})

afterEach(async () => {
  await Promise.all(open.map((each) => each.close()))
  open = []
  await rm(folder, { recursive: true, force: true })
})

function messaging(
  clock: Clock,
  settings: Partial<Operator['messaging']> = {},
  states: boolean[] = [],
): Messaging {
  const made = createMessaging({
    settings: { ...defaultOperator.messaging, ...settings },
    folder,
    threadEntry,
    clock,
    random: () => 0.5,
    onState: (connected) => states.push(connected),
    pollEveryMs: 20,
  })
  open.push(made)
  return made
}

const from = (module: string, topics = ''): HostCallContext =>
  callContext(`[capabilities]\nrequired = ["messaging"]\n${topics}`, { name: module })

function publish(to: Messaging, context: HostCallContext, ...args: unknown[]): Promise<unknown> {
  return to.capability!.functions['publish']!(args, context)
}

async function query(of: Messaging, context: HostCallContext, ...args: unknown[]): Promise<GuestMessage[]> {
  return (await of.capability!.functions['query']!(args, context)) as GuestMessage[]
}

async function failure(work: Promise<unknown>): Promise<HostFailure['hostError']> {
  const error: unknown = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(HostFailure)
  return (error as HostFailure).hostError
}

function listen(to: Messaging, module: string, echo = false, on = topic): MessageEvent[] {
  const received: MessageEvent[] = []
  to.source.subscribe(on, module, echo, (message) => received.push(message))
  return received
}

/** Waits until the check holds. */
async function holds(check: () => boolean): Promise<void> {
  await until(() => expect(check()).toBe(true))
}

const text = (payload: Uint8Array): string => Buffer.from(payload).toString()

describe('topics', () => {
  it.each([
    [topic, true],
    ['/a/1/b/c', true],
    ['/a/1/ü/c', true],
    ['a/1/b/c', false],
    ['/a/1/b', false],
    ['/a/1/b/c/d', false],
    ['/a//b/c', false],
    ['/a/1/b/c/', false],
    ['/a/1/b c/d', false],
    ['', false],
    [`/a/1/b/${'x'.repeat(249)}`, true],
    [`/a/1/b/${'x'.repeat(250)}`, false],
    [`/a/1/b/${'ü'.repeat(130)}`, false],
  ])('%s is one: %s', (candidate, expected) => expect(isContentTopic(candidate)).toBe(expected))

  it('takes every text of four segments and no other', () => {
    const segment = fc.stringMatching(/^[^/\s]{1,20}$/)
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 7 }), (segments) => {
        const candidate = segments.map((each) => `/${each}`).join('')
        const fits = Buffer.byteLength(candidate) <= 256
        expect(isContentTopic(candidate)).toBe(segments.length === 4 && fits)
      }),
    )
  })

  it('are granted exactly, or by a trailing star', () => {
    expect(isTopicGranted(topic, null)).toBe(true)
    expect(isTopicGranted(topic, [])).toBe(false)
    expect(isTopicGranted(topic, [topic])).toBe(true)
    expect(isTopicGranted(topic, ['/paddock/1/*'])).toBe(true)
    expect(isTopicGranted(topic, ['/paddock/2/*', '*/news/json', '/paddock/1/new'])).toBe(false)
    expect(isTopicGranted(topic, ['*'])).toBe(true)
  })
})

describe('spec nexum-host 18 row 55: the bus', () => {
  it('takes what A publishes to B and not back to A, unless A asks for it', async () => {
    const clock = new ManualClock()
    const bus = messaging(clock)
    const [a, b, echo, other] = [
      listen(bus, 'a'),
      listen(bus, 'b'),
      listen(bus, 'a', true),
      listen(bus, 'b', false, '/paddock/1/other/json'),
    ]
    await publish(bus, from('a'), topic, Buffer.from('one'))
    await publish(bus, from('a'), topic, Buffer.from('two'))
    expect(a).toEqual([])
    expect(other).toEqual([])
    expect(b.map(({ payload }) => text(payload))).toEqual(['one', 'two'])
    expect(echo).toHaveLength(2)
    expect(b[0]).toMatchObject({ contentTopic: topic, timestampMs: clock.now() })
    expect(text(b[0]!.sender!)).toBe('a')
  })

  it('ends with the subscription', async () => {
    const bus = messaging(new ManualClock())
    const received: MessageEvent[] = []
    const stop = bus.source.subscribe(topic, 'b', false, (message) => received.push(message))
    stop()
    await publish(bus, from('a'), topic, Buffer.from('one'))
    expect(received).toEqual([])
  })

  it('answers a query between its bounds, the newest of them, oldest first, across starts', async () => {
    const clock = new ManualClock()
    const first = messaging(clock)
    const times: bigint[] = []
    for (let index = 0; index < 5; index += 1) {
      await publish(first, from('a'), topic, Buffer.from(String(index)))
      times.push(BigInt(clock.now()))
      clock.advance(10)
    }
    await first.close()
    const bus = messaging(clock)
    const texts = async (...args: unknown[]): Promise<string[]> =>
      (await query(bus, from('b'), topic, ...args)).map(({ payload }) => text(payload))
    expect(await texts()).toEqual(['0', '1', '2', '3', '4'])
    expect(await texts(undefined, undefined, 2)).toEqual(['3', '4'])
    expect(await texts(times[1], times[3], undefined)).toEqual(['1', '2', '3'])
    expect(await texts(times[3])).toEqual(['3', '4'])
    expect(await texts(undefined, times[1])).toEqual(['0', '1'])
    expect(await texts(undefined, undefined, 0)).toEqual([])
    expect(await texts(2n ** 64n - 1n, 2n ** 64n - 1n)).toEqual([])
    expect(await texts(times[2], times[2])).toEqual(['2'])
    expect((await query(bus, from('b'), topic))[0]).toMatchObject({
      timestamp: times[0],
      contentTopic: topic,
    })
    expect(await failure(query(bus, from('b'), topic, 2n, 1n))).toMatchObject({ kind: 'invalid-input' })
    expect(await query(bus, from('b'), '/paddock/1/other/json')).toEqual([])
  })

  it('lets 50 messages through at once, then 10 a second, for each module', async () => {
    const clock = new ManualClock()
    const bus = messaging(clock)
    for (let index = 0; index < 50; index += 1) await publish(bus, from('a'), topic, Buffer.from('x'))
    expect(await failure(publish(bus, from('a'), topic, Buffer.from('x')))).toMatchObject({
      kind: 'rate-limited',
      code: 429,
    })
    await publish(bus, from('b'), topic, Buffer.from('x'))
    clock.advance(100)
    await publish(bus, from('a'), topic, Buffer.from('x'))
    expect(await failure(publish(bus, from('a'), topic, Buffer.from('x')))).toMatchObject({
      kind: 'rate-limited',
    })
    expect(await query(bus, from('b'), topic, undefined, undefined, 1_000)).toHaveLength(52)
    expect(await query(bus, from('b'), topic)).toHaveLength(52)
  })

  it('refuses bad topics, large payloads, and topics beyond the grant', async () => {
    const bus = messaging(new ManualClock())
    const payload = Buffer.from('x')
    for (const bad of ['news', '/a/b/c', '/a/b/c/d/e', '/a/b/c d/e', `/a/1/b/${'x'.repeat(300)}`]) {
      expect(await failure(publish(bus, from('a'), bad, payload))).toMatchObject({ kind: 'invalid-input' })
      expect(await failure(query(bus, from('a'), bad))).toMatchObject({ kind: 'invalid-input' })
    }
    await publish(bus, from('a'), topic, Buffer.alloc(150 * 1024))
    expect(await failure(publish(bus, from('a'), topic, Buffer.alloc(150 * 1024 + 1)))).toMatchObject({
      kind: 'invalid-input',
    })
    const limited = from('a', 'messaging = { topics = ["/paddock/1/orders/*"] }')
    const refusedTopics = ['/paddock/1/orders/secret']
    const record = { ...limited.record, grants: moduleGrantsSchema.parse({ refusedTopics }) }
    const refused = publish(bus, { ...limited, record }, '/paddock/1/orders/secret', Buffer.from('x'))
    expect(await failure(refused)).toMatchObject({ kind: 'denied' })
    expect(await failure(publish(bus, limited, topic, payload))).toMatchObject({ kind: 'denied' })
    expect(await failure(query(bus, limited, topic))).toMatchObject({ kind: 'denied' })
    await publish(bus, limited, '/paddock/1/orders/json', payload)
    for (const args of [[], [topic], [topic, 'text'], [1, payload]]) {
      expect(await failure(publish(bus, from('a'), ...args))).toMatchObject({ kind: 'invalid-input' })
    }
  })

  it('publishes nothing and finds nothing for a module without capabilities', async () => {
    const bus = messaging(new ManualClock())
    const legacy = from('a')
    const context = {
      ...legacy,
      manifest: {
        ...legacy.manifest,
        capabilities: { ...legacy.manifest.capabilities, policy: 'legacy' as const },
      },
    }
    expect(await failure(publish(bus, context, topic, Buffer.from('x')))).toMatchObject({
      kind: 'unsupported',
      code: 501,
    })
    await publish(bus, from('b'), topic, Buffer.from('x'))
    expect(await query(bus, context, topic)).toEqual([])
  })

  it('forgets what is too old, too many, or takes too much room', () => {
    const limits = { file: path.join(folder, 'kept.db'), maxAgeMs: 1_000, maxMessages: 100 }
    const database = new MessageDatabase(limits, 200_000)
    const add = (timestampMs: number, size = 1, contentTopic = topic): void =>
      database.append({ contentTopic, payload: new Uint8Array(size), timestampMs, sender: null }, timestampMs)
    const all = { contentTopic: topic, startMs: 0n, endMs: 2n ** 64n - 1n, limit: 1_000 }
    for (let time = 1; time <= 300; time += 1) add(time)
    expect(database.query(all, 300).map(({ timestampMs }) => timestampMs)[0]).toBe(201)
    expect(database.query(all, 300)).toHaveLength(100)
    expect(database.query(all, 1_250)).toHaveLength(51)
    for (let time = 1_300; time < 1_310; time += 1) add(time, 40_000, '/paddock/1/large/json')
    expect(database.query(all, 1_310)).toHaveLength(0)
    const large = database.query({ ...all, contentTopic: '/paddock/1/large/json' }, 1_310)
    expect(large.length).toBeLessThanOrEqual(5)
    const later = { ...all, contentTopic: '/paddock/1/later/json' }
    for (let time = 5_000; time < 5_004; time += 1) add(time, 40_000, later.contentTopic)
    expect(database.query(later, 5_004)).toHaveLength(4)
    database.close()
  })

  it('is not provided when switched off or without its node, and then nobody hears anything', () => {
    for (const settings of [{ mode: 'off' }, { mode: 'waku' }] as const) {
      const off = messaging(systemClock, settings)
      expect(off.capability).toBeNull()
      expect(listen(off, 'a')).toEqual([])
    }
  })
})

describe('spec nexum-host 18 row 55: a Waku node', () => {
  let node: WakuNode
  let url: string

  beforeEach(async () => {
    node = new WakuNode()
    url = await node.start()
  })

  afterEach(async () => node.stop())

  it('publishes through the node and hears each message once', async () => {
    const bus = messaging(systemClock, { mode: 'waku', node: url })
    const [a, b] = [listen(bus, 'a'), listen(bus, 'b')]
    await holds(() => node.caches.has(topic))
    await publish(bus, from('a'), topic, Buffer.from('mine'))
    expect(node.archive).toHaveLength(1)
    node.relay(topic, Buffer.from('theirs'), 1_700_000_000_123_456_789n)
    node.relay(topic, Buffer.from('theirs'), 1_700_000_000_123_456_789n)
    node.relay(topic, Buffer.from('theirs'), 1_700_000_000_123_456_790n)
    node.relay(topic, Buffer.alloc(150 * 1024 + 1), 1n)
    node.relay(topic, Buffer.from('last'), 2n)
    await holds(() => b.some(({ payload }) => text(payload) === 'last'))
    expect(b.map(({ payload }) => text(payload))).toEqual(['mine', 'theirs', 'theirs', 'last'])
    expect(a.map(({ payload }) => text(payload))).toEqual(['theirs', 'theirs', 'last'])
    expect(b.every(({ sender }) => sender === null)).toBe(true)
  })

  it('comes back when the node was away and had forgotten its subscriptions', async () => {
    const states: boolean[] = []
    const bus = messaging(new FastClock(), { mode: 'waku', node: url }, states)
    const received = listen(bus, 'b')
    await holds(() => node.caches.has(topic))
    await node.stop()
    await holds(() => states.includes(false))
    expect(await failure(publish(bus, from('a'), topic, Buffer.from('x')))).toMatchObject({
      kind: 'unavailable',
    })
    await node.start()
    await holds(() => node.caches.has(topic))
    await until(() => expect(states).toEqual([false, true]))
    node.relay(topic, Buffer.from('again'), 3n)
    await holds(() => received.length === 1)
    // The node alone was started anew between two looks.
    node.caches.clear()
    await holds(() => node.caches.has(topic))
    node.relay(topic, Buffer.from('once more'), 4n)
    await holds(() => received.length === 2)
  })

  it('unsubscribes when nobody listens any more', async () => {
    const bus = messaging(systemClock, { mode: 'waku', node: url })
    const stop = bus.source.subscribe(topic, 'b', false, () => undefined)
    await holds(() => node.caches.has(topic))
    stop()
    await holds(() => !node.caches.has(topic))
  })

  it('asks the node for history, page by page, and itself where the node has none', async () => {
    const bus = messaging(systemClock, { mode: 'waku', node: url })
    const base = 1_700_000_000_000n
    for (let index = 0n; index < 250n; index += 1n) {
      node.relay(topic, Buffer.from(String(index)), (base + index) * 1_000_000n + 999_999n)
    }
    const all = await query(bus, from('a'), topic, undefined, undefined, 1_000)
    expect(all.map(({ payload }) => Number(text(payload)))).toEqual(Array.from({ length: 250 }, (_, i) => i))
    expect(all[0]!.timestamp).toBe(base)
    const newest = await query(bus, from('a'), topic, undefined, undefined, 120)
    expect(newest.map(({ payload }) => text(payload)).at(0)).toBe('130')
    const some = await query(bus, from('a'), topic, base + 3n, base + 5n)
    expect(some.map(({ payload }) => text(payload))).toEqual(['3', '4', '5'])
    expect(await query(bus, from('a'), topic, 2n ** 64n - 1n)).toEqual([])
    node.stores = false
    expect(await query(bus, from('a'), topic)).toEqual([])
    await publish(bus, from('a'), topic, Buffer.from('kept here'))
    expect((await query(bus, from('a'), topic)).map(({ payload }) => text(payload))).toEqual(['kept here'])
  })

  it.each([
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [504, 'timeout'],
    [400, 'invalid-input'],
  ])('answers HTTP %i of the node with %s', async (status, kind) => {
    node.fault = status
    const bus = messaging(systemClock, { mode: 'waku', node: url })
    const failed = await failure(publish(bus, from('a'), topic, Buffer.from('x')))
    expect(failed).toMatchObject({ kind, code: status })
    expect(JSON.stringify(failed)).not.toContain('127.0.0.1')
  })
})

/** The system's time, its long waits shortened. */
class FastClock implements Clock {
  now(): number {
    return systemClock.now()
  }
  monotonicMs(): number {
    return systemClock.monotonicMs()
  }
  after(delayMs: number, action: () => void): () => void {
    return systemClock.after(delayMs / 20, action)
  }
  every(periodMs: number, action: () => void): () => void {
    return systemClock.every(periodMs, action)
  }
}
