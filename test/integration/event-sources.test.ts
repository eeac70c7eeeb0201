import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PaddockError } from '../../src/shared/errors.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import { bundleOf, chainOf, closeEngines, startEngine, temporaryFolder } from '../support/engine.ts'
import type { TestEngine } from '../support/engine.ts'
import { LocalNode } from '../support/local-node.ts'
import { until } from '../support/until.ts'

const address = `0x${'a1'.repeat(20)}`
const topic = `0x${'c3'.repeat(32)}`
let node: LocalNode

beforeAll(() => buildFixtures())
afterEach(async () => {
  await closeEngines()
  await (node as LocalNode | undefined)?.stop()
})

async function startNode(): Promise<LocalNode> {
  node = await new LocalNode().start()
  return node
}

function logs(more = ''): string {
  return `[[subscription]]\nkind = "log"\nchain_id = 1\naddress = "${address}"\n${more}`
}

function bytes(hex: string): string {
  return Buffer.from(hex.slice(2), 'hex').toString('latin1')
}

async function stored(test: TestEngine, module: string, key: string): Promise<string | null> {
  try {
    const value = await test.engine.modules.storeValue(module, key)
    return value === null ? null : Buffer.from(value.head).toString('latin1')
  } catch (error) {
    if (error instanceof PaddockError && error.code === 'store.open_failed') return null
    throw error
  }
}

async function untilLive(test: TestEngine): Promise<void> {
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
  await until(() => expect(node.logSubscriptions.length).toBeGreaterThan(0))
}

describe('logs in a real guest', () => {
  it('spec nexum-host 18 row 28: arrive with every member, one an event', async () => {
    await startNode()
    const test = await startEngine({ chains: [chainOf(node.ws, '1')] })
    await test.load(await bundleOf('event-values', { chainId: null, more: logs() }))
    await untilLive(test)
    node.mineLogs({ address, topic, data: '0x00ff7f' }, { address, data: '0x01' })
    await test.when('two events', () => test.dispatches.length === 2)
    expect(test.dispatches.map(({ dispatch }) => dispatch)).toMatchObject([
      { eventType: 'logs', chainId: '1', blockNumber: 1, result: 'committed' },
      { eventType: 'logs', chainId: '1', blockNumber: 1, result: 'committed' },
    ])
    const entry = (key: string): Promise<string | null> => stored(test, 'event-values', key)
    expect(await entry('logs/count')).toBe('1')
    expect(await entry('log/chain')).toBe('1')
    expect(await entry('log/block')).toBe('1')
    expect(await entry('log/index')).toBe('1')
    expect(await entry('address/0')).toBe(bytes(address))
    expect(await entry('topic/0')).toBe(bytes(topic))
    expect(await entry('data/0')).toBe(bytes('0x01'))
    expect(await entry('tx/0')).toBe(bytes(node.head.logs![1]!.transactionHash))
  })

  it('spec nexum-host 18 row 28: come together per block where the subscription says so', async () => {
    await startNode()
    const test = await startEngine({ chains: [chainOf(node.ws, '1')] })
    await test.load(await bundleOf('event-values', { chainId: null, more: logs('batch = true') }))
    await untilLive(test)
    node.mineLogs({ address, data: '0x01' }, { address, data: '0x02' }, { address, data: '0x03' })
    await test.when('one event', () => test.dispatches.length === 1)
    expect(await stored(test, 'event-values', 'logs/count')).toBe('3')
    expect(await stored(test, 'event-values', 'data/2')).toBe('\x03')
  })

  it('spec nexum-host 18 row 61: a restart of the engine goes on behind the stored entry', async () => {
    await startNode()
    const stateDir = await temporaryFolder()
    const chains = [chainOf(node.ws, '1')]
    const first = await startEngine({ stateDir, chains })
    await first.load(await bundleOf('counter', { chainId: null, more: logs('resume = true') }))
    await untilLive(first)
    node.mineLogs({ address }, { address })
    await first.when('two events', () => first.dispatches.length === 2)
    await first.engine.shutdown()
    node.mineLogs({ address })
    node.mine(3)
    node.mineLogs({ address }, { address })
    const settings = first.settings
    const second = await startEngine({ stateDir, settings })
    await second.when('three events', () => second.dispatches.length === 3)
    expect(second.dispatches.map(({ dispatch }) => dispatch.blockNumber)).toEqual([2, 6, 6])
    await untilLive(second)
    node.mineLogs({ address })
    await second.when('four events', () => second.dispatches.length === 4)
    expect(await stored(second, 'counter', 'count/1')).toBe('6')
  })

  it('spec nexum-host 18 row 58: modules that want the same share one subscription upstream', async () => {
    await startNode()
    const test = await startEngine({ chains: [chainOf(node.ws, '1')] })
    const names = ['a', 'b', 'c']
    for (const name of names) {
      await test.load(await bundleOf('counter', { name, chainId: 1, more: logs() }))
    }
    await untilLive(test)
    node.mineLogs({ address })
    await test.when('all have handled both', () => test.dispatches.length === 2 * names.length)
    expect(node.subscriptions).toBe(1)
    expect(node.logSubscriptions).toHaveLength(1)
  })
})

describe('modules beside each other', () => {
  let anvil: Anvil

  beforeAll(async () => {
    anvil = await new Anvil().start(join(await temporaryFolder(), 'state.json'))
  })
  afterAll(() => anvil.end('SIGKILL'))

  it('spec nexum-host 18 row 63: a call that waits on its chain delays no other module, and its own events stay in order', async () => {
    await startNode()
    const test = await startEngine({ chains: [chainOf(node.ws, '1'), chainOf(anvil.ws)] })
    await test.load(await bundleOf('chain-caller', { name: 'slow', chainId: 1 }))
    await test.load(await bundleOf('counter', { name: 'quick' }))
    await test.when('both are live', () =>
      test.engine.chains.views().every(({ status }) => status === 'live'),
    )
    node.faultyMethod = 'eth_blockNumber'
    node.fault = 'hang'
    node.mine(3)
    await until(() => expect(node.methods()).toContain('eth_blockNumber'))
    await anvil.mine(5)
    await test.whenCommitted('quick', 5)
    expect(test.committed('slow')).toEqual([])
    node.fault = 'none'
    await test.when(
      'all of slow are done',
      () => test.dispatches.filter(({ module }) => module === 'slow').length === 3,
    )
    const slow = test.dispatches.filter(({ module }) => module === 'slow')
    expect(slow.map(({ dispatch }) => dispatch.blockNumber)).toEqual([1, 2, 3])
    expect(test.committed('quick')).toEqual([1, 2, 3, 4, 5])
  })

  it('spec nexum-host 18 row 65: an error that a module returns rolls back its event and leaves it running', async () => {
    await startNode()
    const test = await startEngine({ chains: [chainOf(node.ws, '1')] })
    await test.load(await bundleOf('host-error', { chainId: 1 }))
    await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
    node.mine(2)
    await test.when('both are handled', () => test.dispatches.length === 2)
    expect(test.dispatches.map(({ dispatch }) => dispatch.result)).toEqual(['rolled-back', 'rolled-back'])
    expect(await stored(test, 'host-error', 'host-error/touched')).toBeNull()
    expect(test.view('host-error')).toMatchObject({ run: 1, restarts: 0, status: { state: 'running' } })
  })

  it('spec nexum-host 18 row 66: shutdown lets the call under way finish and keeps its cursor', async () => {
    await startNode()
    const stateDir = await temporaryFolder()
    const test = await startEngine({ stateDir, chains: [chainOf(node.ws, '1')] })
    await test.load(await bundleOf('chain-caller', { chainId: 1 }))
    await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
    node.faultyMethod = 'eth_blockNumber'
    node.fault = 'hang'
    node.mine()
    await until(() => expect(node.methods()).toContain('eth_blockNumber'))
    const closed = test.engine.shutdown()
    node.fault = 'none'
    await closed
    const again = await startEngine({ stateDir, settings: test.settings })
    await again.when('the chain is live', () => again.engine.chains.views()[0]?.status === 'live')
    node.mine()
    await again.when('handled', () => again.dispatches.some(({ dispatch }) => dispatch.blockNumber === 2))
    const all = [...test.dispatches, ...again.dispatches]
    const committed = all.filter(({ dispatch }) => dispatch.result === 'committed')
    expect(committed.map(({ dispatch }) => dispatch.blockNumber)).toEqual([1, 2])
  })
})

it('spec nexum-host 10.6: messages of one module reach another with every member, and not itself', async () => {
  await startNode()
  const test = await startEngine({ chains: [chainOf(node.ws, '1')] })
  const more = '[[subscription]]\nkind = "message"\ncontent_topic = "/test/1/news/json"\n'
  await test.load(await bundleOf('event-values', { chainId: null, more }))
  await test.load(await bundleOf('publisher', { chainId: 1, more }))
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
  const before = Date.now()
  node.mine()
  await test.when('it arrived', () => test.dispatches.some(({ module }) => module === 'event-values'))
  expect(test.dispatches.find(({ module }) => module === 'event-values')).toMatchObject({
    dispatch: { eventType: 'message', result: 'committed' },
  })
  const entry = (key: string): Promise<string | null> => stored(test, 'event-values', key)
  expect(await entry('message/topic')).toBe('/test/1/news/json')
  expect(await entry('message/payload')).toBe('\x00\xff')
  expect(await entry('message/sender')).toBe('publisher')
  expect(Number(await entry('message/timestamp'))).toBeGreaterThanOrEqual(before)
  expect(test.dispatches.filter(({ module }) => module === 'publisher')).toHaveLength(1)
})

describe('a subscription to blocks without backfill', () => {
  it('spec nexum-host 18 row 60: is told none of those that it missed, neither stopped nor cut off', async () => {
    await startNode()
    const test = await startEngine({ chains: [chainOf(node.ws, '1')] })
    const live = () => test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
    await test.load(await bundleOf('counter', { name: 'without', chainId: 1, backfill: false }))
    await test.load(await bundleOf('counter', { name: 'with', chainId: 1 }))
    await live()
    node.mine(2)
    await test.whenCommitted('without', 2)
    await test.engine.modules.stop('without')
    await test.engine.modules.stop('with')
    node.mine(3)
    await test.when('nobody listens', () => test.engine.chains.views()[0]?.status === 'idle')
    await test.engine.modules.start('without')
    await test.engine.modules.start('with')
    await live()
    await test.whenCommitted('with', 5)
    node.mine(1)
    await test.whenCommitted('without', 6)
    await test.whenCommitted('with', 6)
    // Cut off, both of them.
    await node.stop()
    node.mine(2)
    await node.start()
    await test.whenCommitted('with', 8)
    node.mine(1)
    await test.whenCommitted('without', 9)
    await test.whenCommitted('with', 9)
    expect(test.committed('without')).toEqual([1, 2, 6, 9])
    expect(test.committed('with')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})
