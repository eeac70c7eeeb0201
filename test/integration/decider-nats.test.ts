/** Deciders whose events lie on a real event server, in a whole engine (spec decider 11). */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { HostCallContext } from '../../src/engine/capabilities/capability.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { deciderBundle } from '../support/decider-bundles.ts'
import {
  counter,
  counterBefore,
  decided,
  notDecided,
  order,
  removeDeciderFolders,
} from '../support/deciders.ts'
import { bundleOf, closeEngines, startEngine, type TestEngine } from '../support/engine.ts'
import { NatsServer, natsMissing, natsServerCommand } from '../support/nats-server.ts'

const isMissing = natsServerCommand() === null
if (isMissing) console.warn(`Skipped: ${natsMissing}`)

describe.skipIf(isMissing)('deciders on NATS JetStream', () => {
  let server: NatsServer

  beforeAll(async () => {
    await buildFixtures()
    server = await NatsServer.start()
  })
  afterEach(closeEngines)
  afterAll(async () => {
    await server.stop()
    await removeDeciderFolders()
  })

  function start(): Promise<TestEngine> {
    const operator = { stores: { event: { kind: 'nats', url: server.url } } }
    const settings = memorySettings(settingsSchema.parse({ devnet: { autoStart: false }, operator }))
    return startEngine({ settings })
  }

  const send = (test: TestEngine, streamId: string, amount: number, commandId: string | null = null) =>
    test.engine.contracts.deciders.execute({
      type: 'counter.add',
      payload: order(streamId, amount),
      reference: null,
      commandId,
    })

  it('decide, remember and are followed from another engine on another state directory', async () => {
    const first = await start()
    await first.load(await deciderBundle(counter, 'counter', ['snapshot_floor = 1']))
    const id = randomUUID()
    expect(decided(await send(first, 'a', 2, id)).lastRevision).toBe(1)
    expect(decided(await send(first, 'a', 3)).lastRevision).toBe(2)
    expect(counterBefore(await send(first, 'a', 1))).toBe(5)
    await closeEngines()

    const second = await start()
    await second.load(await deciderBundle(counter, 'counter', ['snapshot_floor = 1']))
    expect(decided(await send(second, 'a', 2, id))).toMatchObject({ duplicate: true, lastRevision: 1 })
    expect(notDecided(await send(second, 'a', 9, id)).failure.error.code).toBe('decider.command_id_reused')
    expect(counterBefore(await send(second, 'a', 1))).toBe(6)
    await second.load(
      await bundleOf('event-values', {
        chainId: null,
        more: '[[subscription]]\nkind = "decider-events"\nmodule = "demo.counter"',
      }),
    )
    await second.when('the events were told', () => second.committed('event-values').length === 4)
    expect(await second.stored('event-values', 'message/topic')).toBe('/paddock/1/demo.counter/events')
    expect(decided(await send(second, 'b', 1)).lastRevision).toBe(1)
    await second.when('the live was told', () => second.committed('event-values').length === 5)
  })

  it('a compromised sandbox reaches the streams of its own decider and of no other', async () => {
    const test = await start()
    await test.load(await deciderBundle(counter, 'counter', []))
    const other = {
      ...counter,
      name: 'demo.other',
      commands: [{ ...counter.commands[0]!, type: 'other.add' }],
    }
    await test.load(await deciderBundle(other, 'other', []))
    expect(decided(await send(test, 'mine', 2)).lastRevision).toBe(1)
    // What a sandbox may send over its bridge, whatever its code says.
    const ask = (module: string, method: string, ...args: unknown[]): Promise<unknown> => {
      const call = test.engine.deciderEvents.capability.functions[method]
      if (call === undefined) throw new Error(`no ${method}`)
      const context = { module, run: 1, record: { limits: {} }, pauseDeadline: () => () => undefined }
      return call(args, context as unknown as HostCallContext)
    }
    expect(await ask('counter', 'head', 'demo.counter', 'mine')).toMatchObject({ ok: true })
    const denied = { hostError: { kind: 'denied' } }
    await expect(ask('other', 'head', 'demo.counter', 'mine')).rejects.toMatchObject(denied)
    await expect(ask('other', 'feed', 'demo.counter', 0, {}, 10)).rejects.toMatchObject(denied)
    await expect(ask('other', 'appendAll', 'demo.counter', [])).rejects.toMatchObject(denied)
    await expect(ask('nobody', 'head', 'demo.counter', 'mine')).rejects.toMatchObject(denied)
    await test.engine.modules.stop('counter')
    await expect(ask('counter', 'head', 'demo.counter', 'mine')).rejects.toMatchObject(denied)
  })

  it('tell that the server is away, and go on when it is back', async () => {
    const test = await start()
    await test.load(await deciderBundle(counter, 'away', []))
    expect(decided(await send(test, 'z', 2)).lastRevision).toBe(1)
    await server.kill()
    expect(notDecided(await send(test, 'z', 1)).failure.error.code).toBe('store.unavailable')
    await server.restart()
    await expect
      .poll(async () => (await send(test, 'z', 1)).outcome, { timeout: 15_000, interval: 200 })
      .toBe('decided')
  })
})
