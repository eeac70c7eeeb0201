import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Dispatch } from '../../src/shared/domain/module.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import {
  bundleOf,
  chainOf,
  closeEngines,
  faultOf,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { LocalNode, type Fault } from '../support/local-node.ts'

const run = promisify(execFile)

beforeAll(async () => {
  await buildFixtures()
})
afterEach(closeEngines)

describe('a chain that fails under a module', () => {
  let node: LocalNode
  let test: TestEngine

  beforeAll(async () => {
    node = await new LocalNode().start()
  })
  afterAll(() => node.stop())
  beforeEach(async () => {
    node.fault = 'none'
    node.chainId = 1
    test = await startEngine({ chains: [chainOf(node.http, '1')] })
    await test.load(await bundleOf('chain-caller', { chainId: 1 }))
    await test.load(await bundleOf('counter', { chainId: 1 }))
    await whenStatus('live')
  })

  const chain = () => test.engine.chains.views().find((each) => each.config.chainId === '1')!
  const whenStatus = (status: string): Promise<void> =>
    test.when(`the chain is ${status}`, () => chain().status === status)

  /** What the caller's event for the newest block came to. */
  async function outcome(): Promise<Dispatch> {
    const { number } = node.head
    const find = (): Dispatch | undefined =>
      test.dispatches.find(
        ({ module, dispatch }) => module === 'chain-caller' && dispatch.blockNumber === number,
      )?.dispatch
    await test.when(`the caller is done with block ${number}`, () => find() !== undefined)
    return find()!
  }

  async function expectGood(): Promise<void> {
    node.mine()
    expect(await outcome()).toMatchObject({ result: 'committed', error: null, hostCalls: 1 })
    expect(await test.stored('chain-caller', `answer/${node.head.number}`)).toBe(
      `"0x${node.head.number.toString(16)}"`,
    )
  }

  it('tells the guest what went wrong, by kind, and works again afterwards', async () => {
    await expectGood()
    const faults: [Fault, string][] = [
      ['close-at-once', 'unavailable'],
      ['close-mid-reply', 'unavailable'],
      ['html', 'unavailable'],
      ['other-json', 'unavailable'],
      ['hang', 'timeout'],
      [{ status: 429 }, 'rate-limited'],
      [{ status: 503 }, 'unavailable'],
    ]
    node.faultyMethod = 'eth_blockNumber'
    for (const [fault, kind] of faults) {
      node.fault = fault
      node.mine()
      const { result, error } = await outcome()
      expect([fault, result, error?.code, error?.details]).toMatchObject([
        fault,
        'rolled-back',
        'guest.error',
        { domain: 'chain', kind },
      ])
      node.fault = 'none'
      await whenStatus('live')
    }
    node.faultyMethod = null
    await expectGood()
    for (const name of ['chain-caller', 'counter']) {
      expect(test.view(name)).toMatchObject({
        run: 1,
        restarts: 0,
        lastError: name === 'counter' ? null : { error: { code: 'guest.error' } },
        status: { state: 'running' },
      })
    }
    await test.whenCommitted('counter', node.head.number)
    expect(await test.stored('counter', 'count/0')).toBe(String(faults.length + 2))
  })

  it('says why it is down, and delivers what was missed when it is back', async () => {
    const before = node.head.number
    const downs: [string, () => Promise<unknown>, string][] = [
      ['gone', () => node.stop(), 'chain.unreachable'],
      [
        'another chain',
        async () => {
          // Seen to be gone first: another node at the same address.
          await node.stop()
          await whenStatus('down')
          node.chainId = 5
          await node.start()
        },
        'chain.wrong_chain',
      ],
      ['no JSON-RPC', async () => (node.fault = 'html'), 'chain.not_json_rpc'],
      ['no answer', async () => (node.fault = 'hang'), 'chain.timeout'],
    ]
    for (const [what, fail, code] of downs) {
      await fail()
      await test.when(`the chain is ${what}`, () => chain().status === 'down' && chain().error?.code === code)
      expect(chain().endpoints).toMatchObject([{ health: 'failing', error: { code } }])
      expect(test.state('counter')).toBe('running')
      node.chain.push(...laterBlocks(node.head.number))
      node.fault = 'none'
      node.chainId = 1
      await node.stop()
      await node.start()
      await test.whenCommitted('counter', node.head.number)
    }
    expect(await test.stored('counter', 'count/0')).toBe(String(node.head.number - before))
    expect(test.view('counter')).toMatchObject({ run: 1, restarts: 0 })
  }, 90_000)
})

/** Two blocks more, mined while nobody could see it. */
function laterBlocks(number: number): { number: number; hash: string }[] {
  return [1, 2].map((step) => ({
    number: number + step,
    hash: `0x${(number + step).toString(16).padStart(64, '0')}`,
  }))
}

describe('a module for a chain that nobody configured', () => {
  it('runs, waits, and works as soon as the chain is added', async () => {
    const node = await new LocalNode().start()
    try {
      const test = await startEngine()
      const request = await test.engine.modules.inspect(await bundleOf('chain-caller', { chainId: 1 }), {})
      expect(request.chainsMissing).toEqual(['1'])
      await test.engine.modules.install(
        request.requestId,
        request.asks.map((ask) => ask.capability),
        true,
      )
      expect(test.state('chain-caller')).toBe('running')
      test.engine.chains.save(chainOf(node.ws, '1'))
      await test.when('the chain is live', () =>
        test.engine.chains.views().some((each) => each.status === 'live'),
      )
      node.mine()
      await test.whenCommitted('chain-caller', 1)
    } finally {
      await node.stop()
    }
  })
})

/** A file system of its own, where this user may mount one. */
async function mountSmall(folder: string, options: string): Promise<boolean> {
  await mkdir(folder, { recursive: true })
  return run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).then(
    () => true,
    () => false,
  )
}

describe('a state directory on a disk', () => {
  it('that is read-only is one clear error', async (context) => {
    const folder = join(await temporaryFolder(), 'disk')
    if (!(await mountSmall(folder, 'ro,size=64k'))) context.skip('nothing can be mounted here')
    try {
      const fault = await faultOf(startEngine({ stateDir: join(folder, 'state') }))
      expect(fault.code).toBe('state.unwritable')
      expect(fault.message).toContain(folder)
    } finally {
      await run('umount', ['-l', folder])
    }
  })

  it('that becomes full rolls the event back, is told, and the module goes on when there is room', async (context) => {
    const node = await new LocalNode().start()
    let started: TestEngine | undefined
    const folder = join(await temporaryFolder(), 'disk')
    if (!(await mountSmall(folder, 'size=24m'))) context.skip('nothing can be mounted here')
    try {
      const test = await startEngine({ stateDir: join(folder, 'state'), chains: [chainOf(node.ws, '1')] })
      started = test
      await test.load(
        await bundleOf('store-bench', { chainId: 1, config: { sets: 64, gets: 0, value_bytes: 4_096 } }),
      )
      await test.when('the chain is live', () =>
        test.engine.chains.views().some((each) => each.status === 'live'),
      )
      node.mine()
      await test.whenCommitted('store-bench', 1)
      await run('sh', ['-c', `dd if=/dev/zero of=${folder}/ballast bs=4k 2>/dev/null || true`])
      for (let event = 0; event < 4 && test.view('store-bench').lastError === null; event += 1) {
        node.mine()
        const { number } = node.head
        await test.when('the event is done', () =>
          test.dispatches.some(({ dispatch }) => dispatch.blockNumber === number),
        )
      }
      expect(test.view('store-bench').lastError?.error.code).toBe('store.full')
      await writeFile(join(folder, 'ballast'), '')
      if (test.state('store-bench') !== 'running') await test.engine.modules.start('store-bench')
      await test.whenState('store-bench', 'running')
      node.mine()
      await test.whenCommitted('store-bench', node.head.number)
    } finally {
      await started?.engine.shutdown()
      await node.stop()
      await run('umount', ['-l', folder]).catch(() => undefined)
    }
  })
})
