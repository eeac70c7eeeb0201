import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { toBytes, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BeeNode } from '../../../../test/support/bee-node.ts'
import { callContext } from '../../../../test/support/call-context.ts'
import { defaultOperator, type Operator } from '../../../shared/domain/operator/operator.ts'
import { systemClock } from '../../clock.ts'
import { HostFailure } from '../capability.ts'
import { createRemoteStore, type RemoteStore } from './create-remote-store.ts'
import { maxContentBytes } from './limits.ts'
import { ContentStore } from './local/content-store.ts'
import { contentCost } from './local/content-database.ts'
import { feedSigner, maxFeedDataBytes } from './swarm/feed.ts'

const threadEntry = new URL('./local/content-thread.ts', import.meta.url)
const key: Hex = `0x${'51'.repeat(32)}`
const owner = Buffer.from(privateKeyToAccount(key).address.slice(2), 'hex')
const topic = Buffer.alloc(32, 7)

let folder: string
let open: RemoteStore[] = []

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'paddock-remote-store-'))
})

afterEach(async () => {
  await Promise.all(open.map((each) => each.close()))
  open = []
  await rm(folder, { recursive: true, force: true })
})

function store(settings: Partial<Operator['remoteStore']> = {}): RemoteStore {
  const made = createRemoteStore({
    settings: { ...defaultOperator.remoteStore, feedKey: key, ...settings },
    folder,
    threadEntry,
    clock: systemClock,
  })
  open.push(made)
  return made
}

function call(from: RemoteStore, name: string, ...args: unknown[]): Promise<unknown> {
  return from.capability!.functions[name]!(args, callContext())
}

async function failure(work: Promise<unknown>): Promise<HostFailure['hostError']> {
  const error: unknown = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(HostFailure)
  const { hostError } = error as HostFailure
  expect(JSON.stringify(hostError)).not.toMatch(/127\.0\.0\.1|0x51|5151/)
  return hostError
}

const bytes = (value: unknown): Buffer => Buffer.from(value as Uint8Array)

describe('spec nexum-host 18 row 54: the local store', () => {
  it('answers the check values, keeps content across starts, and knows nothing else', async () => {
    const first = store()
    for (const [content, address] of [
      [new Uint8Array(), 'b34ca8c22b9e982354f9c7f50b470d66db428d880c8a904d5fe4ec9713171526'],
      [toBytes('foo'), '2387e8e7d8a48c2a9339c97c1dc3461a9a7aa07e994c5cb8b38fd7c1b3e6ea48'],
      [toBytes('hello world'), '92672a471f4419b255d7cb0cf313474a6f5856fb347c5ece85fb706d644b630f'],
      [new Uint8Array(5000), '5a941fd4ec33e6b24f9a5dc6d84bbf9a684ad5297087c61169fb336e6eb16a8c'],
    ] as const) {
      expect(bytes(await call(first, 'upload', content)).toString('hex')).toBe(address)
      expect(bytes(await call(first, 'upload', content)).toString('hex')).toBe(address)
      expect(bytes(await call(first, 'download', Buffer.from(address, 'hex')))).toEqual(Buffer.from(content))
    }
    await first.close()
    const second = store()
    const foo = Buffer.from('2387e8e7d8a48c2a9339c97c1dc3461a9a7aa07e994c5cb8b38fd7c1b3e6ea48', 'hex')
    expect(bytes(await call(second, 'download', foo)).toString()).toBe('foo')
    expect(await failure(call(second, 'download', Buffer.alloc(32)))).toMatchObject({ kind: 'unavailable' })
  })

  it('writes a feed twice and reads the newest; other owners have none', async () => {
    const local = store()
    expect(await call(local, 'read-feed', owner, topic)).toBeUndefined()
    const [one, two] = await Promise.all([
      call(local, 'write-feed', topic, toBytes('one')),
      call(local, 'write-feed', topic, toBytes('two')),
    ])
    expect(bytes(one)).not.toEqual(bytes(two))
    expect(bytes(await call(local, 'read-feed', owner, topic)).toString()).toBe('two')
    expect(await call(local, 'read-feed', Buffer.alloc(20, 9), topic)).toBeUndefined()
    expect(bytes(await call(local, 'write-feed', topic, Buffer.alloc(maxFeedDataBytes)))).toHaveLength(32)
    expect(await failure(call(local, 'write-feed', topic, Buffer.alloc(4089)))).toMatchObject({
      kind: 'invalid-input',
    })
    expect(bytes(await call(local, 'read-feed', owner, topic))).toHaveLength(4088)
  })

  it('reads the feeds of other owners that it has seen, and refuses damaged ones', async () => {
    const content = new ContentStore({
      entry: threadEntry,
      file: path.join(folder, 'content.db'),
      maxBytes: 1e8,
    })
    const foreign = feedSigner(`0x${'99'.repeat(32)}`)
    const update = await foreign.sign(topic, 4n, toBytes('seen'), 5)
    await content.putFeed(foreign.owner, topic, { index: 4n, ...update }, false)
    const older = await foreign.sign(topic, 3n, toBytes('older'), 4)
    await content.putFeed(foreign.owner, topic, { index: 3n, ...older }, false)
    const broken = Buffer.alloc(32, 1)
    await content.putFeed(foreign.owner, broken, { index: 0n, ...update, payload: Buffer.alloc(9) }, false)
    const short = Buffer.alloc(32, 2)
    const brief = await foreign.sign(short, 0n, new Uint8Array(), 0)
    await content.putFeed(foreign.owner, short, { index: 0n, ...brief }, false)
    await content.close()
    const local = store()
    expect(bytes(await call(local, 'read-feed', foreign.owner, topic)).toString()).toBe('seen')
    expect(bytes(await call(local, 'read-feed', foreign.owner, short))).toHaveLength(0)
    expect(await failure(call(local, 'read-feed', foreign.owner, broken))).toMatchObject({ kind: 'internal' })
  })

  it('signs with a key of its own when the operator set none, the same one after a start', async () => {
    const first = store({ feedKey: null })
    const written = bytes(await call(first, 'write-feed', topic, toBytes('one')))
    await first.close()
    const second = store({ feedKey: null })
    const again = bytes(await call(second, 'write-feed', topic, toBytes('two')))
    expect(again).not.toEqual(written)
    await second.close()
    const content = new ContentStore({
      entry: threadEntry,
      file: path.join(folder, 'content.db'),
      maxBytes: 1e8,
    })
    const own = feedSigner(`0x${Buffer.from(await content.ownKey()).toString('hex')}`)
    expect((await content.feed(own.owner, topic))?.index).toBe(1n)
    await content.close()
  })

  it('says nothing of a key that is out of range but that it cannot be used', async () => {
    const outOfRange = `0x${'f'.repeat(64)}`
    const failed = await failure(call(store({ feedKey: outOfRange }), 'write-feed', topic, toBytes('x')))
    expect(failed).toMatchObject({ kind: 'unsupported', code: 501 })
    expect(JSON.stringify(failed)).not.toContain('ffff')
    expect(JSON.stringify(failed)).not.toContain(BigInt(outOfRange).toString())
  })

  it('stays within its room: least recently used first, pinned last', async () => {
    const content = new ContentStore({
      entry: threadEntry,
      file: path.join(folder, 'content.db'),
      maxBytes: 4 * contentCost(10_000),
    })
    const blob = (fill: number): Uint8Array => new Uint8Array(10_000).fill(fill)
    const pinned = await content.put(blob(0), true)
    const [a, b, c] = [
      await content.put(blob(1), false),
      await content.put(blob(2), false),
      await content.put(blob(3), false),
    ]
    expect(await content.get(a)).not.toBeNull()
    await content.put(blob(4), false)
    expect(await content.get(b)).toBeNull()
    await content.put(blob(5), false)
    expect(await content.get(c)).toBeNull()
    expect(await content.get(pinned)).not.toBeNull()
    expect(await content.usage()).toBeLessThanOrEqual(4 * contentCost(10_000))
    expect(await content.pin(pinned, false)).toBe(true)
    expect(await content.pin(b, true)).toBe(false)
    await expect(content.put(new Uint8Array(100_000), true)).rejects.toMatchObject({
      hostError: { kind: 'unavailable' },
    })
    await content.close()
  })

  it('keeps a damaged file aside and begins anew', async () => {
    await writeFile(path.join(folder, 'content.db'), 'not a database'.repeat(100))
    const local = store()
    const reference = await call(local, 'upload', toBytes('foo'))
    expect(bytes(await call(local, 'download', reference)).toString()).toBe('foo')
  })
})

describe('spec nexum-host 18 row 27: arguments of the remote store', () => {
  it.each([
    ['download', [Buffer.alloc(31)]],
    ['download', [Buffer.alloc(33)]],
    ['read-feed', [Buffer.alloc(19), topic]],
    ['read-feed', [owner, Buffer.alloc(31)]],
    ['write-feed', [Buffer.alloc(31), Buffer.alloc(1)]],
    ['upload', ['text']],
    ['upload', []],
    ['upload', [new Uint8Array(maxContentBytes + 1)]],
  ])('%s refuses %#', async (name, args) => {
    expect(await failure(call(store(), name, ...args))).toMatchObject({
      domain: 'remote-store',
      kind: 'invalid-input',
      code: 0,
    })
  })
})

describe('spec nexum-host 18 row 54: a Bee node', () => {
  let node: BeeNode
  let api: string

  beforeEach(async () => {
    node = new BeeNode()
    api = await node.start()
  })

  afterEach(async () => node.stop())

  function bee(settings: Partial<Operator['remoteStore']> = {}): RemoteStore {
    return store({ mode: 'bee', api, postageBatch: node.batch, ...settings })
  }

  it('uploads, downloads what others uploaded, and refuses other content than was asked for', async () => {
    const swarm = bee()
    const content = new Uint8Array(600_000).fill(3)
    const reference = bytes(await call(swarm, 'upload', content))
    expect(node.content.has(reference.toString('hex'))).toBe(true)
    node.requests.length = 0
    expect(bytes(await call(swarm, 'download', reference))).toEqual(Buffer.from(content))
    expect(node.requests).toEqual([])
    const foo = '2387e8e7d8a48c2a9339c97c1dc3461a9a7aa07e994c5cb8b38fd7c1b3e6ea48'
    node.content.set(foo, Buffer.from('bar'))
    expect(await failure(call(swarm, 'download', Buffer.from(foo, 'hex')))).toMatchObject({
      kind: 'unavailable',
    })
    node.content.set(foo, Buffer.from('foo'))
    expect(bytes(await call(swarm, 'download', Buffer.from(foo, 'hex'))).toString()).toBe('foo')
    expect(await failure(call(swarm, 'download', Buffer.alloc(32)))).toMatchObject({
      kind: 'unavailable',
      code: 404,
    })
  })

  it('appends to a feed, reads the newest, and reads what another owner signed', async () => {
    const swarm = bee()
    expect(await call(swarm, 'read-feed', owner, topic)).toBeUndefined()
    node.missStatus = 500
    expect(await call(swarm, 'read-feed', owner, topic)).toBeUndefined()
    await call(swarm, 'write-feed', topic, toBytes('one'))
    const address = bytes(await call(swarm, 'write-feed', topic, toBytes('two')))
    expect(node.chunks.has(address.toString('hex'))).toBe(true)
    expect(bytes(await call(swarm, 'read-feed', owner, topic)).toString()).toBe('two')
    const other = store({ mode: 'bee', api, postageBatch: null, feedKey: null })
    expect(bytes(await call(other, 'read-feed', owner, topic)).toString()).toBe('two')
  })

  it('refuses an update that its owner did not sign', async () => {
    const swarm = bee()
    const address = bytes(await call(swarm, 'write-feed', topic, toBytes('one'))).toString('hex')
    const raw = Buffer.from(node.chunks.get(address)!)
    raw[raw.length - 1]! ^= 1
    node.chunks.set(address, raw)
    expect(await failure(call(swarm, 'read-feed', owner, topic))).toMatchObject({ kind: 'unavailable' })
  })

  it('needs a batch to write and a key for feeds', async () => {
    const none = store({ mode: 'bee', api, postageBatch: null, feedKey: null })
    expect(await failure(call(none, 'upload', toBytes('x')))).toMatchObject({
      kind: 'unsupported',
      code: 501,
    })
    expect(await failure(call(none, 'write-feed', topic, toBytes('x')))).toMatchObject({
      kind: 'unsupported',
      code: 501,
    })
    const keyless = bee({ feedKey: null })
    expect(await failure(call(keyless, 'write-feed', topic, toBytes('x')))).toMatchObject({
      kind: 'unsupported',
      code: 501,
    })
    expect(node.requests).toEqual([])
  })

  it.each([
    [402, 'denied'],
    [403, 'denied'],
    [429, 'rate-limited'],
    [503, 'unavailable'],
    [504, 'timeout'],
    [422, 'invalid-input'],
  ])('answers HTTP %i with %s', async (status, kind) => {
    node.fault = { on: 'POST /bytes', status }
    expect(await failure(call(bee(), 'upload', toBytes('x')))).toMatchObject({ kind, code: status })
  })

  it('is unavailable while the node is away', async () => {
    await node.stop()
    expect(await failure(call(bee(), 'upload', toBytes('x')))).toMatchObject({ kind: 'unavailable', code: 0 })
  })

  it('is not provided without a node, nor when switched off', () => {
    expect(store({ mode: 'bee' }).capability).toBeNull()
    expect(store({ mode: 'off' }).capability).toBeNull()
  })
})
