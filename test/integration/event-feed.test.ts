import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NatsEventStores } from '../../src/engine/capabilities/event-store/nats-connection.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { EventBrowser } from '../../src/engine/event-browser/event-browser.ts'
import { FileFeed } from '../../src/engine/events/decider-feed/file-feed.ts'
import { NatsFeed } from '../../src/engine/events/decider-feed/nats-feed.ts'
import { SqliteEventStore } from '../../src/event-store/sqlite/sqlite-store.ts'
import type { RecordedEvent } from '../../src/event-store/event-store.ts'
import { command, decision } from '../contract/event-store/suite.ts'
import { NatsServer, natsMissing, natsServerCommand } from '../support/nats-server.ts'

const thread = new URL('../../src/engine/event-browser/event-reader-thread.ts', import.meta.url)
const writer = resolve(import.meta.dirname, '../support/event-writer.ts')
const any = { kind: 'any' } as const

let folder: string
let browser: EventBrowser
let writers: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-feed-'))
  browser = new EventBrowser(thread)
  writers = []
})
afterEach(async () => {
  for (const child of writers) child.kill('SIGKILL')
  await browser.dispose()
  rmSync(folder, { recursive: true, force: true })
})

describe('spec decider 16: events without order loss', () => {
  it('a feed during 4 writing processes has no gap and no late position, and goes on live', async () => {
    const file = join(folder, 'demo.db')
    const feed = new FileFeed({ browser, path: file, clock: systemClock })
    const ended = new AbortController()
    const seen: number[] = []
    const revisions = new Map<string, number>()
    // Subscribed before there is a store.
    const following = (async () => {
      for await (const event of feed.subscribe(0, {}, ended.signal)) {
        seen.push(event.position)
        expect(event.revision).toBe((revisions.get(event.streamId) ?? 0) + 1)
        revisions.set(event.streamId, event.revision)
      }
    })()
    writers = Array.from({ length: 4 }, (_, index) =>
      spawn(process.execPath, [writer, file, String(index), '5', '60'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    )
    const ends = await Promise.all(writers.map((child) => once(child, 'exit')))
    expect(ends.map(([code]) => code as number | null)).toEqual([0, 0, 0, 0])
    const { lastPosition } = await browser.store(file).totals()
    await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe(lastPosition)
    ended.abort()
    await following
    expect(seen).toEqual(Array.from({ length: lastPosition }, (_, index) => index + 1))
    expect(await browser.store(file).integrityCheck()).toMatchObject({ ok: true })
  })

  it('the seam between the past and the live is exact, wherever a subscription begins', async () => {
    const file = join(folder, 'seam.db')
    const store = new SqliteEventStore({ path: file, module: 'demo', quotaBytes: null, durability: 'normal' })
    for (let index = 0; index < 20; index += 1) store.append(decision('s', any, 3))
    const feed = new FileFeed({ browser, path: file, clock: systemClock })
    const ended = new AbortController()
    const starts = [0, 1, 29, 59, 60]
    const found = starts.map(() => [] as number[])
    const following = starts.map(async (after, index) => {
      for await (const { position } of feed.subscribe(after, {}, ended.signal)) found[index]?.push(position)
    })
    for (let index = 0; index < 40; index += 1) {
      store.append(decision('s', any, 1))
      // The reader gets its turns in between.
      await new Promise((settle) => setImmediate(settle))
    }
    for (const [index, after] of starts.entries()) {
      const wanted = Array.from({ length: 100 - after }, (_, place) => after + place + 1)
      await expect.poll(() => found[index]?.length).toBe(wanted.length)
      expect(found[index]).toEqual(wanted)
    }
    ended.abort()
    await Promise.all(following)
    store.close()
  })
})

describe.skipIf(natsServerCommand() === null)(
  `on NATS (${natsServerCommand() === null ? natsMissing : 'here'})`,
  () => {
    it('the seam between the past and the live is exact on NATS', async () => {
      const server = await NatsServer.start()
      const stores = new NatsEventStores({
        url: server.url,
        credentialsFile: null,
        nkeySeedFile: null,
        caFile: null,
        replicas: 1,
      })
      try {
        const store = await stores.of('demo', null)
        const feed = new NatsFeed(store)
        for (let index = 0; index < 10; index += 1) await store.append(decision(`s${index % 3}`, any, 3))
        const past = (await store.feed(0, {}, 1_000)).events
        const start = past[13]?.position ?? 0
        const ended = new AbortController()
        const seen: RecordedEvent[] = []
        const following = (async () => {
          for await (const event of feed.subscribe(start, {}, ended.signal)) seen.push(event)
        })()
        await Promise.all(
          Array.from({ length: 4 }, async () => {
            for (let index = 0; index < 10; index += 1) {
              await store.append(decision(`s${index % 3}`, any, 2, { command: command('demo.do', 'x') }))
            }
          }),
        )
        const all = (await store.feed(0, {}, 1_000)).events
        await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(all.length - 14)
        expect(seen.map(({ id }) => id)).toEqual(all.slice(14).map(({ id }) => id))
        ended.abort()
        await following
      } finally {
        await stores.close()
        await server.stop()
      }
    })
  },
)
