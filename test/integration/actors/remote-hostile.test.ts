import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { systemClock } from '../../../src/engine/clock.ts'
import { RemoteClient } from '../../../src/engine/contracts/actor/remote/client.ts'
import { remoteFactsSchema, type RemoteMethod } from '../../../src/engine/contracts/actor/remote/messages.ts'
import type { ServedActors } from '../../../src/engine/contracts/actor/service.ts'
import { openPayloadSchema } from '../../../src/shared/contracts/actor.ts'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { actorBundle, TestActors } from '../../support/actors.ts'
import { closeEngines, faultOf, startEngine, temporaryFolder, type TestEngine } from '../../support/engine.ts'
import { until } from '../../support/until.ts'

const token = 'a-long-enough-token-for-tests'
const namespace = 'tests'
const none = { tag: 'positional', val: [] }
let remote: TestEngine
let served: ServedActors
const clients: RemoteClient[] = []
const servers: Server[] = []

beforeAll(async () => {
  await buildActors()
  remote = await startEngine()
  served = await remote.engine.contracts.actors.serve({ port: 0, token })
})
afterAll(async () => {
  for (const client of clients) client.close()
  for (const server of servers) server.close()
  await closeEngines()
})

function connected(
  url: string,
  options: Partial<ConstructorParameters<typeof RemoteClient>[0]> = {},
): RemoteClient {
  const client = new RemoteClient({ url, token, clock: systemClock, log: () => undefined, ...options })
  clients.push(client)
  client.connect()
  return client
}

const facts = (actorId: string, generation = 1) =>
  remoteFactsSchema.parse({
    namespace,
    actorId,
    key: [actorId],
    generation,
    synchronous: 'normal',
    quotaBytes: 1_048_576,
    limits: openPayloadSchema.shape.limits.parse({}),
    budgets: openPayloadSchema.shape.budgets.parse({}),
  })

const call = (client: RemoteClient, actorId: string, method: RemoteMethod, args: unknown[], generation = 1) =>
  client.sql({ namespace, actorId, generation, method, args }, 'execute')
const run = (client: RemoteClient, actorId: string, sql: string) =>
  call(client, actorId, 'execute', [sql, none, false])

async function count(client: RemoteClient, id: string): Promise<unknown> {
  const { outcome } = await run(client, id, 'SELECT count(*) FROM t')
  return outcome.kind === 'value'
    ? (outcome.value as { rows: { val: unknown }[][] }).rows[0]?.[0]?.val
    : outcome
}

/** A raw connection: what it says, and with which code the other side ends it. */
function raw(authorization: string | undefined, frames: readonly (string | Buffer)[]): Promise<number> {
  return new Promise((settle) => {
    const headers = authorization === undefined ? {} : { authorization }
    const socket = new WebSocket(served.url, { headers })
    socket.on('unexpected-response', (_request, response) => settle(response.statusCode ?? 0))
    socket.on('error', () => undefined)
    socket.on('open', () => {
      for (const frame of frames) socket.send(frame)
    })
    socket.on('close', (code) => settle(code))
  })
}

/** Stands between the engines; the far ends can outlive the near ones, as on a network that swallows an end. */
async function proxied(): Promise<{ url: string; dropNear: () => Socket[]; swallow: () => void }> {
  const { hostname, port } = new URL(served.url)
  const pairs: { near: Socket; far: Socket }[] = []
  let swallows = false
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    pairs.push({ near, far })
    near
      .on('error', () => undefined)
      .on('data', (bytes) => {
        if (!swallows) far.write(bytes)
      })
    far
      .on('error', () => undefined)
      .on('data', (bytes) => {
        if (!swallows) near.write(bytes)
      })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    dropNear: () =>
      pairs.splice(0).map(({ near, far }) => {
        near.destroy()
        return far
      }),
    swallow: () => {
      swallows = true
    },
  }
}

describe('databases for other engines, and those who mean ill', () => {
  const hello = JSON.stringify([1, { type: 'hello', minimum: 1, maximum: 2, features: [] }])
  const sql = { type: 'sql', id: 1, namespace, actorId: 'x', generation: 1, method: 'stats', args: [] }

  it.each<[string, string | undefined, readonly (string | Buffer)[], number]>([
    ['no token', undefined, [], 401],
    ['another token', 'Bearer another-token-entirely', [], 401],
    ['another scheme', `Basic ${token}`, [], 401],
    ['no JSON', `Bearer ${token}`, ['nonsense'], 1002],
    ['a request before hello', `Bearer ${token}`, [JSON.stringify([1, sql])], 1002],
    ['another version than was agreed', `Bearer ${token}`, [hello, JSON.stringify([1, sql])], 1002],
    ['a message that is none', `Bearer ${token}`, [hello, JSON.stringify([2, { type: 'attach' }])], 1002],
    [
      'a path for an actor id',
      `Bearer ${token}`,
      [hello, JSON.stringify([2, { ...sql, actorId: '../../x' }])],
      1002,
    ],
    [
      'a method of the host',
      `Bearer ${token}`,
      [hello, JSON.stringify([2, { ...sql, method: 'import' }])],
      1002,
    ],
    ['bytes', `Bearer ${token}`, [Buffer.from([1, 2, 3])], 1003],
    ['nesting without end', `Bearer ${token}`, [`[1,${'['.repeat(500_000)}${']'.repeat(500_000)}]`], 1002],
    ['more than a message may have', `Bearer ${token}`, [Buffer.alloc(25 * 1_048_576, 0x20)], 1009],
  ])('spec actors-sql 13: %s ends that connection alone', async (_, authorization, frames, code) => {
    expect(await raw(authorization, frames)).toBe(code)
    expect([served.owner.permitsInUse, served.owner.waiting]).toEqual([0, 0])
  })

  it('spec actors-sql 9.8: the late end of a connection leaves the transaction of the next one alone', async () => {
    const proxy = await proxied()
    const client = connected(proxy.url)
    await client.announce(facts('late'))
    await run(client, 'late', 'CREATE TABLE t(x)')
    await call(client, 'late', 'begin', ['immediate'])
    await run(client, 'late', 'INSERT INTO t VALUES (1)')
    const [old] = proxy.dropNear()
    await until(() => expect(client.isConnected).toBe(false))
    await until(() => expect(client.isConnected).toBe(true))
    await call(client, 'late', 'endInvocation', [])
    await call(client, 'late', 'begin', ['immediate'])
    await run(client, 'late', 'INSERT INTO t VALUES (2)')
    const connections = served.connections
    old?.destroy()
    await until(() => expect(served.connections).toBe(connections - 1))
    await run(client, 'late', 'INSERT INTO t VALUES (3)')
    expect((await call(client, 'late', 'commit', [])).outcome).toMatchObject({ kind: 'value' })
    expect(await count(client, 'late')).toBe(2n)
  })

  it('spec actors-sql 3: of announcements at once the highest stays, and none below a destroyed one is taken', async () => {
    const client = connected(served.url)
    await client.announce(facts('many'))
    await run(client, 'many', 'CREATE TABLE t(x)')
    const told = await Promise.allSettled(
      [4, 2, 3].map((generation) => client.announce(facts('many', generation))),
    )
    expect(told[0]?.status).toBe('fulfilled')
    expect((await call(client, 'many', 'stats', [], 4)).outcome).toMatchObject({ kind: 'value' })
    await client.destroy(namespace, 'many', 4)
    await expect(client.announce(facts('many', 4))).rejects.toMatchObject({
      code: 'sqlite.remote_fence_mismatch',
    })
    await client.announce(facts('many', 5))
    expect(await call(client, 'many', 'tables', [], 5)).toMatchObject({ outcome: { value: { tables: [] } } })
  })

  it('spec actors-sql 12: a connection that goes silent counts as lost, and what was sent on it as unknown', async () => {
    const proxy = await proxied()
    const client = connected(proxy.url, { silenceMs: 100 })
    await client.announce(facts('silent'))
    proxy.swallow()
    expect((await run(client, 'silent', 'SELECT 1')).outcome).toMatchObject({
      error: { tag: 'indeterminate' },
    })
  })

  it('an actor whose engine of databases is away comes back with it, whatever ended its instance', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'token'), token)
    const own = await startEngine()
    const owning = await own.engine.contracts.actors.serve({ port: 0, token })
    const local = await startEngine()
    const bundle = await actorBundle('probe', { name: 'away' })
    await local.load(bundle, false)
    local.engine.modules.setActorEngine('away', { url: owning.url, tokenFile: join(folder, 'token') })
    await local.engine.modules.start('away')
    const actors = new TestActors(local, 'away')
    expect(await actors.request('a', 'append', { id: 'one' })).toBe(1)
    const rejections: unknown[] = []
    const note = (reason: unknown): void => void rejections.push(reason)
    process.on('unhandledRejection', note)
    await owning.close()
    expect((await faultOf(actors.request('a', 'trap'))).code).toMatch(/^(?:wasm\.trap|sqlite\.|guest\.)/)
    for (const pid of actors.pids()) process.kill(pid, 'SIGKILL')
    await until(async () => expect((await actors.view('a')).state).toBe('reallocating'))
    await own.engine.contracts.actors.serve({ port: Number(new URL(owning.url).port), token })
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([['one']])
    process.removeListener('unhandledRejection', note)
    expect(rejections).toEqual([])
  })
})
