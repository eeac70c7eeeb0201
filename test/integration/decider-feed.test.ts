import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SqliteEventStore } from '../../src/event-store/sqlite/sqlite-store.ts'
import { eventStoreFile } from '../../src/event-store/store-file.ts'
import {
  ProjectionMemory,
  projectionMemoryFile,
} from '../../src/engine/events/decider-feed/projection-memory.ts'
import { decision } from '../contract/event-store/suite.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { bundleOf, closeEngines, startEngine, temporaryFolder, type TestEngine } from '../support/engine.ts'

const any = { kind: 'any' } as const
const subscription = (more = ''): string =>
  ['[[subscription]]', 'kind = "decider-events"', 'module = "demo.orders"', more].join('\n')

let test: TestEngine
let store: SqliteEventStore

async function open(): Promise<void> {
  const stateDir = await temporaryFolder()
  const stores = join(stateDir, 'stores')
  await mkdir(stores, { recursive: true })
  store = new SqliteEventStore({
    path: eventStoreFile(stores, 'demo.orders'),
    module: 'demo.orders',
    quotaBytes: null,
    durability: 'normal',
  })
  test = await startEngine({ stateDir })
}

beforeAll(() => buildFixtures())
beforeEach(open)
afterEach(async () => {
  store.close()
  await closeEngines()
})

/** Loads a fixture that follows the decider. */
async function follow(fixture: string, more = '', name = fixture): Promise<string> {
  return test.load(await bundleOf(fixture, { name, chainId: null, more: subscription(more) }))
}

const handled = (name: string): number => test.committed(name).length
const projection = (name: string) =>
  test.engine.deciderEvents.projections().find((view) => view.module === name)

describe('spec decider 11: projections', () => {
  it('an event module gets every event in order, each once, past and live, also over a restart', async () => {
    for (let index = 0; index < 5; index += 1) store.append(decision('s', any, 2))
    await follow('counter')
    await test.when('the past was told', () => handled('counter') === 10)
    store.append(decision('t', any, 3))
    await test.when('the live was told', () => handled('counter') === 13)
    expect(await test.stored('counter', 'count/3')).toBe('13')
    await test.engine.modules.stop('counter')
    store.append(decision('s', any, 4))
    await test.engine.modules.start('counter')
    await test.when('what was missed was told', () => handled('counter') === 17)
    await test.engine.modules.restart('counter')
    store.append(decision('s', any, 1))
    await test.when('it goes on', () => handled('counter') === 18)
    expect(await test.stored('counter', 'count/3')).toBe('18')
    expect(projection('counter')).toMatchObject({ state: 'following', position: 18, poison: null })
  })

  it('a decided event is a message with type, stream, revision, position and payload', async () => {
    await follow('event-values', 'types = ["demo.happened.1"]\nfrom = "now"')
    await test.when('it follows', () => projection('event-values')?.state === 'following')
    const headers = { origin: 'test' }
    // Appended until it began: "now" is when the module first ran.
    await expect
      .poll(() => {
        store.append(decision('s', any, 2, { headers }))
        return handled('event-values')
      })
      .toBeGreaterThan(0)
    const topic = await test.stored('event-values', 'message/topic')
    expect(topic).toBe('/paddock/1/demo.orders/events')
    const body: unknown = JSON.parse((await test.stored('event-values', 'message/payload')) ?? '')
    expect(body).toMatchObject({ type: 'demo.happened.1', stream: 's', headers, payload: { index: 1 } })
    expect(body).toMatchObject({
      revision: expect.any(Number),
      position: expect.any(Number),
      id: expect.any(String),
    })
  })

  it('a handler that fails is told again 5 times, then the projection stops until the operator decides', async () => {
    await follow('host-error')
    store.append(decision('s', any, 2))
    await test.when('it has stopped', () => projection('host-error')?.state === 'poisoned')
    const dispatches = () => test.dispatches.filter(({ module }) => module === 'host-error')
    expect(dispatches().map(({ dispatch }) => dispatch.result)).toEqual(Array(5).fill('rolled-back'))
    const view = projection('host-error')!
    expect(view).toMatchObject({ position: 0, poison: { reason: 'exhausted', position: 1 } })
    expect(() => test.engine.deciderEvents.skip('host-error', 'other')).toThrow()
    test.engine.deciderEvents.skip('host-error', view.source)
    await test.when('the next was tried', () => dispatches().length > 5)
    expect(projection('host-error')).toMatchObject({ position: 1 })
    await test.when('it has stopped again', () => projection('host-error')?.state === 'poisoned')
    test.engine.deciderEvents.retry('host-error', view.source)
    await test.when('it was told again', () => dispatches().length > 10)
    expect(projection('host-error')).toMatchObject({ position: 1 })
  })

  it('a projection that has stopped stays so over a restart, and what was skipped stays skipped', async () => {
    await follow('host-error')
    store.append(decision('s', any, 2))
    await test.when('it has stopped', () => projection('host-error')?.state === 'poisoned')
    const view = projection('host-error')!
    // From the file, as the next engine reads it.
    const memory = (): ProjectionMemory => new ProjectionMemory(join(test.stateDir, projectionMemoryFile))
    expect(await memory().read('host-error', view.source)).toMatchObject({
      poison: { reason: 'exhausted', position: 1 },
    })
    const told = () => test.dispatches.filter(({ module }) => module === 'host-error').length
    await test.engine.modules.stop('host-error')
    await test.engine.modules.start('host-error')
    await expect.poll(() => projection('host-error')?.state, { timeout: 10_000 }).toBe('poisoned')
    expect(projection('host-error')).toMatchObject({ poison: { position: 1 } })
    expect(told()).toBe(5)
    test.engine.deciderEvents.skip('host-error', view.source)
    await expect.poll(() => projection('host-error')?.poison?.position, { timeout: 20_000 }).toBe(2)
    expect(await memory().read('host-error', view.source)).toMatchObject({ skipped: [1] })
    await test.engine.modules.stop('host-error')
    await test.engine.modules.start('host-error')
    await expect.poll(() => projection('host-error')?.poison?.position, { timeout: 10_000 }).toBe(2)
    // The first event, though it is behind the module's own position, is not told again.
    expect(told()).toBe(10)
  })

  it('a handler that crashes is given up sooner, and the module lives', async () => {
    await follow('trap-on-message')
    store.append(decision('s', any, 1))
    await test.when('it has stopped', () => projection('trap-on-message')?.state === 'poisoned')
    expect(projection('trap-on-message')?.poison).toMatchObject({ reason: 'crash', position: 1 })
    await test.whenState('trap-on-message', 'running')
  })

  it('a new version of the module goes on behind what the one before handled', async () => {
    const bundle = await bundleOf('counter', { name: 'grows', chainId: null, more: subscription() })
    await test.load(bundle)
    store.append(decision('s', any, 3))
    await test.when('the first were told', () => handled('grows') === 3)
    await bundleOf(
      'counter',
      { name: 'grows', version: '0.2.0', chainId: null, more: subscription() },
      bundle,
    )
    await test.engine.modules.reload('grows')
    store.append(decision('s', any, 3))
    await test.when('the others were told', () => handled('grows') === 6)
    expect(await test.stored('grows', 'count/3')).toBe('6')
  })
})
