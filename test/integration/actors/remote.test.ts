import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/engine/clock.ts'
import { RemoteClient } from '../../../src/engine/contracts/actor/remote/client.ts'
import {
  remoteFactsSchema,
  type RemoteMethod,
  type SqlAnswer,
} from '../../../src/engine/contracts/actor/remote/messages.ts'
import type { ServedActors } from '../../../src/engine/contracts/actor/service.ts'
import { openPayloadSchema } from '../../../src/shared/contracts/actor.ts'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { actorBundle, TestActors } from '../../support/actors.ts'
import { closeEngines, startEngine, temporaryFolder, type TestEngine } from '../../support/engine.ts'
import { until } from '../../support/until.ts'

const token = 'a-long-enough-token-for-tests'
let remote: TestEngine
let served: ServedActors
let proxy: Proxy
let clients: RemoteClient[] = []
let actor = 0

/** Stands between the two engines and cuts, or swallows what comes back. */
class Proxy {
  swallowAnswers = false
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  constructor(target: string) {
    const { hostname, port } = new URL(target)
    this.server = createServer((near) => {
      const far = connect(Number(port), hostname)
      this.sockets.add(near).add(far)
      near.on('error', () => far.destroy()).on('close', () => far.destroy())
      far.on('error', () => near.destroy()).on('close', () => near.destroy())
      near.on('data', (bytes) => far.write(bytes))
      far.on('data', (bytes) => {
        if (!this.swallowAnswers) near.write(bytes)
      })
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy()
    this.sockets.clear()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

beforeAll(async () => {
  await buildActors()
  remote = await startEngine()
  served = await remote.engine.contracts.actors.serve({ port: 0, token })
})
beforeEach(() => {
  proxy = new Proxy(served.url)
})
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  await proxy.close()
})
afterAll(() => closeEngines())

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
    namespace: 'tests',
    actorId,
    key: [actorId],
    generation,
    synchronous: 'normal',
    quotaBytes: 1_048_576,
    limits: openPayloadSchema.shape.limits.parse({}),
    budgets: openPayloadSchema.shape.budgets.parse({}),
  })
const none = { tag: 'positional', val: [] }

function call(client: RemoteClient, actorId: string, method: RemoteMethod, args: unknown[], generation = 1) {
  return client.sql({ namespace: 'tests', actorId, generation, method, args }, 'execute')
}

const run = (client: RemoteClient, actorId: string, sql: string) =>
  call(client, actorId, 'execute', [sql, none, false])

const faultOf = ({ outcome }: SqlAnswer) => (outcome.kind === 'fault' ? outcome.error : outcome)

async function table(client: RemoteClient): Promise<string> {
  const id = `actor-${++actor}`
  await client.announce(facts(id))
  await run(client, id, 'CREATE TABLE t(x)')
  return id
}

async function count(client: RemoteClient, id: string): Promise<unknown> {
  const { outcome } = await run(client, id, 'SELECT count(*) FROM t')
  return outcome.kind === 'value'
    ? (outcome.value as { rows: { val: unknown }[][] }).rows[0]?.[0]?.val
    : outcome
}

describe('databases in another engine', () => {
  it('serve a guest as its own would, asleep and destroyed too', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'token'), `${token}\n`)
    const local = await startEngine()
    const bundle = await actorBundle('probe', { name: 'far' })
    const request = await local.engine.modules.inspect(bundle, {})
    await local.engine.modules.install(
      request.requestId,
      request.asks.map(({ capability }) => capability),
      false,
    )
    local.engine.modules.setActorEngine('far', { url: served.url, tokenFile: join(folder, 'token') })
    await local.engine.modules.start('far')
    const actors = new TestActors(local, 'far')
    expect(await actors.request('a', 'append', { id: 'one' })).toBe(1)
    expect(await actors.request('a', 'batch-insert', { texts: ['two', 'three'] })).toBe(2)
    expect(await actors.request('a', 'set', { key: 'k', value: 7 })).toBeNull()
    await actors.sleep('a')
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([
      ['one'], ['two'], ['three'], ['slept'],
    ]) // prettier-ignore
    expect(await actors.request('a', 'get', { key: 'k' })).toBe(7)
    expect((await actors.page()).placement).toBe('remote')
    await actors.destroy('a')
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([])
  })

  it('spec actors-sql 20: unsent / sent: cut before, executed once; cut after, indeterminate, never twice', async () => {
    const url = await proxy.listen()
    const client = connected(url)
    const id = await table(client)
    proxy.cut()
    await until(() => expect(client.isConnected).toBe(false))
    const unsent = run(client, id, 'INSERT INTO t VALUES (1)')
    expect(faultOf(await unsent)).toMatchObject({ kind: 'value' })
    expect(await count(client, id)).toBe(1n)
    proxy.swallowAnswers = true
    const sent = run(client, id, 'INSERT INTO t VALUES (2)')
    const other = connected(served.url)
    await other.announce(facts(id))
    await until(async () => expect(await count(other, id)).toBe(2n))
    proxy.cut()
    expect(faultOf(await sent)).toEqual({ tag: 'indeterminate', val: 'execute' })
    proxy.swallowAnswers = false
    expect(await count(client, id)).toBe(2n)
  })

  it('spec actors-sql 20: connection affinity: a transaction is lost with its connection, nothing autocommits', async () => {
    const client = connected(await proxy.listen())
    const id = await table(client)
    await call(client, id, 'begin', ['immediate'])
    await run(client, id, 'INSERT INTO t VALUES (1)')
    proxy.cut()
    await until(() => expect(client.isConnected).toBe(false))
    for (const sql of ['INSERT INTO t VALUES (2)', 'SELECT 1']) {
      expect(faultOf(await run(client, id, sql))).toEqual({ tag: 'transaction', val: 'lost' })
    }
    expect(faultOf(await call(client, id, 'commit', []))).toEqual({ tag: 'transaction', val: 'lost' })
    await call(client, id, 'endInvocation', [])
    expect(await count(client, id)).toBe(0n)
  })

  it('spec actors-sql 20: fence: wrong generations, actors and namespaces are refused before any file is touched', async () => {
    const client = connected(served.url)
    const id = await table(client)
    const executors = served.owner.executors
    for (const generation of [2, 7]) {
      expect(faultOf(await call(client, id, 'stats', [], generation))).toEqual({
        tag: 'stale-generation',
        val: { presented: generation, current: 1 },
      })
    }
    const strange = { namespace: 'elsewhere', actorId: id, generation: 1, method: 'stats' as const, args: [] }
    const answers = [await call(client, 'nobody', 'stats', []), await client.sql(strange, 'info')]
    for (const answer of answers)
      expect(answer.outcome).toMatchObject({ kind: 'report', error: { code: 'actor.not_found' } })
    expect(answers[0]).toEqual(answers[1])
    await expect(client.announce(facts(id, 3))).resolves.toBeUndefined()
    await expect(client.announce(facts(id, 2))).rejects.toMatchObject({
      code: 'sqlite.remote_fence_mismatch',
    })
    expect(served.owner.executors).toBeLessThanOrEqual(executors)
  })

  it('speaks the lower version of both, and says with four fields what that has not', async () => {
    const client = connected(served.url, { maximum: 1 })
    const id = await table(client)
    expect(faultOf(await call(client, id, 'batch', [[]]))).toEqual({
      tag: 'incompatible',
      val: { feature: 'batch', direction: 'to-host', requiredVersion: 2, targetVersion: 1 },
    })
    // The one message failed alone.
    expect(await count(client, id)).toBe(0n)
    const newer = connected(served.url, { minimum: 9, maximum: 9 })
    await expect(newer.announce(facts('x'))).rejects.toMatchObject({
      code: 'sqlite.remote_unavailable',
      details: { feature: 'protocol', direction: 'to-host', requiredVersion: 9, targetVersion: 2 },
    })
  })

  it('lets nobody in without the token, and tells what was not reached in time', async () => {
    const client = connected(served.url, { token: 'another-token-entirely', unsentMs: 300 })
    await expect(client.announce(facts('x'))).rejects.toMatchObject({ code: 'sqlite.remote_unavailable' })
    expect(client.isConnected).toBe(false)
  })

  it('spec actors-sql 20: encode failure: one message that cannot be sent fails alone', async () => {
    const client = connected(served.url)
    const id = await table(client)
    const answer = await call(client, id, 'execute', [() => 1, none, false])
    expect(faultOf(answer)).toMatchObject({ tag: 'not-reached' })
    expect([await count(client, id), client.epoch]).toEqual([0n, 1])
  })

  it('spec actors-sql 20: fairness: 128 queued reads of one do not hold up the single read of another', async () => {
    const client = connected(served.url)
    const [a, b] = [await table(client), await table(client)]
    const slow =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT count(*) FROM n'
    let done = 0
    const reads = Array.from({ length: 129 }, () => run(client, a, slow).finally(() => (done += 1)))
    const refused = await run(client, a, slow)
    expect(faultOf(refused)).toEqual({ tag: 'overloaded', val: { capacity: 128, waiting: 128 } })
    await run(client, b, 'SELECT 1')
    expect(done).toBeLessThan(128)
    await Promise.all(reads)
    expect([served.owner.permitsInUse, served.owner.waiting]).toEqual([0, 0])
  })
})
