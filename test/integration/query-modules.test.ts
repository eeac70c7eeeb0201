import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { maxQueryBytes } from '../../src/shared/contracts/query-module.ts'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import { bundleOf, chainOf, closeEngines, faultOf, startEngine, type TestEngine } from '../support/engine.ts'
import { LocalNode } from '../support/local-node.ts'
import { until } from '../support/until.ts'

beforeAll(async () => {
  await buildFixtures()
})

afterEach(closeEngines)

async function ask(test: TestEngine, module: string, input: string): Promise<unknown> {
  const answer = await test.engine.contracts.queries.ask(module, Buffer.from(input))
  return answer.ok ? Buffer.from(answer.value).toString() : answer.error
}

const queryBundle = (fixture: string, more = ''): Promise<string> =>
  bundleOf(fixture, { chainId: null, more, limits: { fuel_per_event: 50_000_000 } })

describe('spec nexum-host 18 row 57: query world', () => {
  it('evaluate answers bytes, or an error of its own', async () => {
    const test = await startEngine()
    await test.load(await queryBundle('query'))
    expect(await ask(test, 'query', 'what?')).toBe('what?')
    expect(await ask(test, 'query', '')).toMatchObject({
      domain: 'fixture',
      kind: 'invalid-input',
      message: 'empty input',
    })
    const large = 'x'.repeat(maxQueryBytes)
    expect(await ask(test, 'query', large)).toBe(large)
    expect((await faultOf(ask(test, 'query', `${large}x`))).code).toBe('query.too_large')
    expect((await faultOf(ask(test, 'nobody', 'x'))).code).toBe('module.not_running')
  })

  it('evaluate sees what init committed and writes nothing', async () => {
    const test = await startEngine()
    await test.load(await queryBundle('query-store'))
    expect(await ask(test, 'query-store', 'get')).toBe('1')
    for (const input of ['set', 'delete']) {
      expect(await ask(test, 'query-store', input)).toMatchObject({ domain: 'local-store', kind: 'denied' })
    }
    expect(await ask(test, 'query-store', 'get')).toBe('1')
    await test.engine.modules.restart('query-store')
    expect(await ask(test, 'query-store', 'get')).toBe('2')
  })

  it('a trap and an endless loop cost their own query alone', async () => {
    const test = await startEngine()
    await test.load(await queryBundle('query-store'))
    const asked = ['trap', 'get', 'loop', 'get'].map((input) => ask(test, 'query-store', input))
    const settled = await Promise.allSettled(asked)
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect(settled[0]).toMatchObject({ reason: { code: 'sandbox.trap' } })
    expect(settled[1]).toMatchObject({ value: '2' })
    expect(settled[2]).toMatchObject({ reason: { code: 'sandbox.out_of_fuel' } })
    expect(settled[3]).toMatchObject({ value: '3' })
    expect(test.view('query-store').run).toBe(3)
    expect(test.dispatches.map(({ dispatch: { eventType, result } }) => `${eventType} ${result}`)).toEqual([
      'query failed',
      'query committed',
      'query failed',
      'query committed',
    ])
  })

  it('queries that wait when the module is stopped are told so', async () => {
    const test = await startEngine()
    await test.load(await queryBundle('query-store'))
    const asked = Array.from({ length: 50 }, () => ask(test, 'query-store', 'get'))
    const settled = Promise.allSettled(asked)
    await test.engine.modules.stop('query-store')
    for (const each of await settled) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'module.not_running' })
    }
    expect((await faultOf(ask(test, 'query-store', 'get'))).code).toBe('module.not_running')
    await test.engine.modules.start('query-store')
    expect(await ask(test, 'query-store', 'get')).toBe('2')
  })

  it('receives no events: subscriptions are refused', async () => {
    const test = await startEngine()
    const fault = await faultOf(test.load(await bundleOf('query', { chainId: 31_337 })))
    expect(fault).toMatchObject({ code: 'manifest.bad_subscription', details: { index: 1 } })
  })

  it('an event module that exports evaluate is queried between its events', async () => {
    const node = await new LocalNode().start()
    node.chainId = 31_337
    try {
      const test = await startEngine({ chains: [chainOf(node.ws)] })
      await test.load(await bundleOf('query-events'))
      await test.whenState('query-events', 'running')
      expect(await ask(test, 'query-events', '')).toBe('')
      const blocks = (): number => test.committed('query-events').filter((block) => block >= 0).length
      // A subscription that opens a moment later sees later blocks.
      await until(() => {
        node.mine()
        expect(blocks()).toBeGreaterThan(0)
      })
      node.mine(3)
      await test.when('the last block is handled', () =>
        test.committed('query-events').includes(node.head.number),
      )
      const count = String(blocks())
      expect(await ask(test, 'query-events', '')).toBe(count)
      expect((await faultOf(ask(test, 'query-events', 'trap'))).code).toBe('sandbox.trap')
      expect(await ask(test, 'query-events', '')).toBe(count)
    } finally {
      await node.stop()
    }
  })
})

describe('spec nexum-host 18 row 2: worlds', () => {
  it.each([
    ['echo', 'event-module', 'nexum:host/event-module@0.2.0'],
    ['query', 'query-module', 'nexum:host/query-module@0.2.0'],
    ['query-events', 'queried-event-module', 'nexum:host/event-module@0.2.0'],
  ])('%s is of %s', async (fixture, id, world) => {
    const test = await startEngine()
    const report = await test.engine.modules.describe(join(fixturesFolder, `${fixture}.wasm`))
    expect(report).toMatchObject({ contract: { id, world }, verdict: { ok: true } })
  })

  it('init alone is invalid_world', async () => {
    const test = await startEngine()
    const report = await test.engine.modules.describe(join(fixturesFolder, 'init-only.wasm'))
    expect(report.verdict).toMatchObject({ ok: false, error: { code: 'component.invalid_world' } })
  })
})
