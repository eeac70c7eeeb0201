import { MessageChannel, Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../../../test/support/until.ts'
import { Databases, faultOf, plain, positional } from '../testing/databases.testing.ts'
import { BridgeClient, type BridgeConnection } from './bridge-client.ts'
import { connect } from './bridged-database.ts'
import { tripleOf } from './messages.ts'

const none = positional()

describe('the bridge to the owner of a database', () => {
  let databases: Databases
  beforeEach(() => {
    databases = new Databases('bridged')
  })
  afterEach(() => databases.close())

  const client = (connection: BridgeConnection) => new BridgeClient(tripleOf(databases.facts()), connection)
  const execute = (bridge: BridgeClient, sql: string) =>
    bridge.call('execute', [sql, none, false], 'execute', 5_000)
  const count = (bridge: BridgeClient) =>
    plain((execute(bridge, 'SELECT count(*) FROM t') as { rows: [] }).rows)[0]?.[0]

  it('spec actors-sql 20: forged triple', () => {
    const facts = databases.facts()
    const victim = databases.open({ actorId: 'victim' })
    victim.exec('CREATE TABLE secrets(x)')
    const connection = connect(databases.owner(), facts)
    const forger = new BridgeClient({ ...tripleOf(facts), actorId: 'victim' }, connection)
    expect(faultOf(() => execute(forger, 'DROP TABLE secrets')).tag).toBe('stale-generation')
    expect(faultOf(() => execute(forger, 'SELECT 1'))).toEqual({ tag: 'closed' })
    // Its port is closed for good: nobody answers on it any more.
    const again = client(connection)
    expect(faultOf(() => again.call('execute', ['SELECT 1', none, false], 'execute', 200)).tag).toBe(
      'indeterminate',
    )
    expect(victim.execute('SELECT * FROM secrets', none, false).rows).toEqual([])
  })

  it('spec actors-sql 20: late reply', async () => {
    const owner = slowOwner()
    const bridge = client(owner.connection)
    let late = 0
    for (let call = 1; call <= 1_000; call += 1) {
      const delayMs = Math.random() < 0.05 ? 4 : 0
      try {
        expect(bridge.call('keyGet', [String(call), delayMs], 'key-value', delayMs === 0 ? 5_000 : 1)).toBe(
          String(call),
        )
      } catch (error) {
        expect(
          faultOf(() => {
            throw error as Error
          }),
        ).toEqual({ tag: 'indeterminate', val: 'key-value' })
        late += 1
      }
    }
    expect(late).toBeGreaterThan(0)
    expect(bridge.dropped).toBeGreaterThan(0)
    await owner.close()
  })

  it('spec actors-sql 20: connection affinity', async () => {
    const facts = databases.facts()
    const first = connect(databases.owner(), facts)
    const bridge = client(first)
    bridge.call('exec', ['CREATE TABLE t(x)'], 'exec', 5_000)
    bridge.call('begin', ['immediate'], 'begin', 5_000)
    execute(bridge, 'INSERT INTO t VALUES (1)')
    expect(bridge.inTransaction).toBe(true)
    first.port.close()
    bridge.reconnect(connect(databases.owner(), facts))
    for (const sql of ['INSERT INTO t VALUES (2)', 'SELECT 1', 'COMMIT']) {
      expect(faultOf(() => execute(bridge, sql))).toEqual({ tag: 'transaction', val: 'lost' })
    }
    expect(faultOf(() => bridge.call('commit', [], 'commit', 5_000))).toEqual({
      tag: 'transaction',
      val: 'lost',
    })
    bridge.forgetLost()
    // The old connection lets go of the file once its owner has seen it close.
    await until(() => expect(count(bridge)).toBe(0n))
  })
})

/** An owner that answers when it is told to, with its replies mixed up by time. */
function slowOwner(): { connection: BridgeConnection; close: () => Promise<unknown> } {
  const { port1, port2 } = new MessageChannel()
  const answered = new SharedArrayBuffer(4)
  const source = `
    const { parentPort } = require('node:worker_threads')
    parentPort.once('message', ({ port, answered }) => {
      const word = new Int32Array(answered)
      port.on('message', ({ number, args: [text, delayMs] }) => {
        const reply = () => {
          port.postMessage({ number, outcome: { kind: 'value', value: text }, inTransaction: false, closed: false })
          Atomics.store(word, 0, number)
          Atomics.notify(word, 0)
        }
        if (delayMs === 0) reply()
        else setTimeout(reply, delayMs)
      })
    })`
  const worker = new Worker(source, { eval: true })
  worker.postMessage({ port: port2, answered }, [port2])
  return { connection: { port: port1, answered }, close: () => worker.terminate() }
}
