import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NatsEventStores } from '../../src/engine/capabilities/event-store/nats-connection.ts'
import type { NatsEventStore } from '../../src/engine/capabilities/event-store/nats-event-store.ts'
import { Server } from '../../src/engine/capabilities/event-store/server.ts'
import { Subjects } from '../../src/engine/capabilities/event-store/subjects.ts'
import { command, decision, eventStoreSuite } from '../contract/event-store/suite.ts'
import { NatsServer, natsMissing, natsServerCommand } from '../support/nats-server.ts'

const isMissing = natsServerCommand() === null
if (isMissing) console.warn(`Skipped: ${natsMissing}`)

describe.skipIf(isMissing)('NATS JetStream', () => {
  let server: NatsServer
  let names = 0
  const settings = { credentialsFile: null, nkeySeedFile: null, caFile: null, replicas: 1 }
  const stores = (): NatsEventStores => new NatsEventStores({ url: server.url, ...settings })

  beforeAll(async () => {
    server = await NatsServer.start()
  })
  afterAll(() => server.stop())

  eventStoreSuite('NATS JetStream', async () => {
    const prefix = `test ${names++} `
    const clients: NatsEventStores[] = []
    return {
      // A client of its own each time: nothing is known but what the server keeps.
      open: async (module = 'demo'): Promise<NatsEventStore> => {
        const client = stores()
        clients.push(client)
        return client.of(prefix + module, null)
      },
      close: async () => {
        await Promise.all(clients.map((client) => client.close()))
      },
    }
  })

  it('spec decider 7: a command whose writer died before anything else was noted is still known', async () => {
    const [first, second] = [stores(), stores()]
    const dying = await first.of('dying', null)
    const known = command('demo.do', 'x')
    await dying.append(decision('s', { kind: 'none' }, 2, { command: known }))
    // No close: nothing of the first client's memory reaches the server.
    const next = await second.of('dying', null)
    expect(await next.findCommand(known.id)).toMatchObject({ streamId: 's', lastRevision: 2 })
    expect(await next.append(decision('s', { kind: 'any' }, 2, { command: known }))).toMatchObject({
      kind: 'duplicate',
    })
    await Promise.all([first.close(), second.close()])
    const third = stores()
    expect(await (await third.of('dying', null)).findCommand(known.id)).toMatchObject({ lastRevision: 2 })
    await third.close()
  })

  it('one command offered by many writers at once is carried out once', async () => {
    const clients = Array.from({ length: 6 }, stores)
    const opened = await Promise.all(clients.map((client) => client.of('race', null)))
    const known = command('demo.do', 'x')
    const outcomes = await Promise.all(
      opened.map((store) => store.append(decision('s', { kind: 'any' }, 3, { command: known }))),
    )
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
      'appended',
      ...Array.from({ length: 5 }, () => 'duplicate'),
    ])
    expect(await opened[0]!.head('s')).toMatchObject({ revision: 3 })
    expect(await opened[0]!.integrityCheck()).toMatchObject({ ok: true, events: 3 })
    await Promise.all(clients.map((client) => client.close()))
  })

  it('one command that two engines put on different streams at once is carried out once', async () => {
    const clients = Array.from({ length: 6 }, stores)
    const opened = await Promise.all(clients.map((client) => client.of('apart', null)))
    for (let round = 0; round < 5; round += 1) {
      const known = command('demo.do', `x${round}`)
      const outcomes = await Promise.all(
        opened.map((store, index) =>
          store.append(decision(`s${round}-${index}`, { kind: 'any' }, 2, { command: known })),
        ),
      )
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
        'appended',
        ...Array.from({ length: 5 }, () => 'duplicate'),
      ])
    }
    expect(await opened[0]!.integrityCheck()).toMatchObject({ ok: true, events: 10, streams: 5 })
    await Promise.all(clients.map((client) => client.close()))
  })

  it('a reading that breaks off is no end: nobody takes what was not read for what is not there', async () => {
    const writer = stores()
    const filled = await writer.of('cut', null)
    // More than the server sends at once.
    await filled.appendAll(
      Array.from({ length: 1_200 }, (_, index) => decision(`s${index}`, { kind: 'none' }, 1)),
    )
    const subjects = new Subjects('cut')
    const connection = await connect({ servers: server.url })
    const reader = new Server({
      connection,
      client: jetstream(connection),
      manager: await jetstreamManager(connection, { checkAPI: false }),
      subjects,
      quotaBytes: null,
      replicas: 1,
    })
    const { last_seq: last } = await reader.state()
    const read = async (): Promise<number> => {
      let count = 0
      for await (const { seq } of reader.messages(subjects.allEvents, 1, last, last)) {
        count = seq
        if (seq === 1) await connection.close()
      }
      return count
    }
    await expect(read()).rejects.toMatchObject({ code: 'store.unavailable' })
    await writer.close()
  })

  it('with copies, reads ask the leader: the same answers', async () => {
    const [first, second] = [stores(), new NatsEventStores({ url: server.url, ...settings, replicas: 3 })]
    const known = command('demo.do', 'x')
    await (await first.of('copies', null)).append(decision('s', { kind: 'none' }, 3, { command: known }))
    // The streams are there already: their one copy stays, only reading goes the other way.
    const copied = await second.of('copies', null)
    expect(await copied.findCommand(known.id)).toMatchObject({ lastRevision: 3 })
    expect(await copied.append(decision('s', { kind: 'at', revision: 3 }, 2))).toMatchObject({
      firstRevision: 4,
    })
    expect((await copied.read('s', 2, { maxEvents: 10 })).events.map(({ revision }) => revision)).toEqual([
      2, 3, 4, 5,
    ])
    expect((await copied.feed(0, {}, 10)).events).toHaveLength(5)
    expect(await copied.head('none')).toBeNull()
    await Promise.all([first.close(), second.close()])
  })

  it('many writers of one stream leave contiguous revisions', async () => {
    const clients = Array.from({ length: 4 }, stores)
    const opened = await Promise.all(clients.map((client) => client.of('crowd', null)))
    await Promise.all(
      opened.map(async (store) => {
        for (let index = 0; index < 15; index += 1) {
          const outcome = await store.append(
            decision('s', { kind: 'any' }, 1 + (index % 3), { command: command('demo.do', 'x') }),
          )
          expect(outcome.kind).toBe('appended')
        }
      }),
    )
    expect(await opened[0]!.integrityCheck()).toMatchObject({ ok: true, problems: [], events: 120 })
    const { events } = await opened[0]!.read('s', 1, { maxEvents: 1_000 })
    expect(events.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 120 }, (_, index) => index + 1),
    )
    await Promise.all(clients.map((client) => client.close()))
  })

  it('a full quota refuses one decision and keeps the rest', async () => {
    const client = stores()
    const store = await client.of('small', 20_000)
    const big = { id: '00000000-0000-4000-8000-000000000001', type: 'big', payload: Buffer.alloc(19_500) }
    expect(await store.append(decision('s', { kind: 'any' }, 2))).toMatchObject({ kind: 'appended' })
    expect(await store.append(decision('t', { kind: 'any' }, 1, { events: [big] }))).toMatchObject({
      kind: 'failed',
      error: { code: 'store.quota_exceeded' },
    })
    const huge = { ...big, payload: Buffer.alloc(9_000_000) }
    expect(await store.append(decision('t', { kind: 'any' }, 1, { events: [huge] }))).toMatchObject({
      kind: 'failed',
      error: { code: 'store.too_large' },
    })
    expect(await store.append(decision('s', { kind: 'any' }, 1))).toMatchObject({ kind: 'appended' })
    expect(await store.head('t')).toBeNull()
    await client.close()
  })

  it('a server that is killed and comes back: nothing acknowledged is lost, nothing is doubled', async () => {
    const own = await NatsServer.start()
    const client = new NatsEventStores({ url: own.url, ...settings, requestTimeoutMs: 500 })
    try {
      const store = await client.of('killed', null)
      const acknowledged: { id: string; lastRevision: number }[] = []
      const rounds = { over: false }
      const writing = (async () => {
        for (let index = 0; index < 60 || !rounds.over; index += 1) {
          const known = command('demo.do', String(index))
          // As a caller does: asks again with the same id until there is an answer.
          for (;;) {
            try {
              const outcome = await store.append(
                decision(`s${index % 3}`, { kind: 'any' }, 2, { command: known }),
              )
              if (outcome.kind === 'appended') {
                acknowledged.push({ id: known.id, lastRevision: outcome.lastRevision })
              } else if (outcome.kind === 'duplicate') {
                acknowledged.push({ id: known.id, lastRevision: outcome.command.lastRevision })
              } else throw new Error(`not appended: ${JSON.stringify(outcome)}`)
              break
            } catch (error) {
              expect(error).toMatchObject({ code: 'store.unavailable' })
            }
          }
        }
      })()
      for (let round = 0; round < 3; round += 1) {
        const count = acknowledged.length
        await expect.poll(() => acknowledged.length, { timeout: 15_000 }).toBeGreaterThan(count + 10)
        await own.kill()
        await own.restart()
      }
      rounds.over = true
      await writing
      const report = await store.integrityCheck()
      expect(report.problems).toEqual([])
      expect(report.events).toBe(acknowledged.length * 2)
      for (const { id, lastRevision } of acknowledged) {
        expect(await store.findCommand(id)).toMatchObject({ lastRevision })
      }
    } finally {
      await client.close()
      await own.stop()
    }
  })

  it('a server that is not there is named as such', async () => {
    const gone = new NatsEventStores({ ...settings, url: 'nats://127.0.0.1:1' })
    await expect(gone.of('demo', null)).rejects.toMatchObject({ code: 'store.unavailable' })
    await gone.close()
  })
})
