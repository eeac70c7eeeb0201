import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildModules } from '../../scripts/build-modules.mjs'
import { block, instantiate, plainHost, surfaceOf, thrownBy, tick } from '../fixtures/plain-host.ts'

const modulesFolder = join(import.meta.dirname, '../../modules')
const component = (name: string) => join(modulesFolder, name, 'module.wasm')
const rich = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const poor = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const hash = `0x${'ab'.repeat(32)}`

async function start(name: string, config: [string, string][]) {
  const host = plainHost()
  const guest = await instantiate(component(name), host)
  guest['init']!(config)
  return { host, onEvent: guest['onEvent']! }
}

beforeAll(async () => {
  await buildModules()
})

describe('the module build', () => {
  it('leaves unchanged modules alone', async () => {
    const results = await buildModules()
    const names = (await readdir(modulesFolder, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
    expect(results.map(({ name }) => name)).toEqual(names.sort())
    expect(results.filter(({ built }) => built)).toEqual([])
  })

  it('gives a component the exports of its contract and the declared imports only', async () => {
    expect(await surfaceOf(component('block-logger'))).toEqual({
      imports: ['nexum:host/local-store', 'nexum:host/logging'],
      exports: ['init', 'onEvent'],
    })
    expect((await surfaceOf(component('balance-watch'))).imports).toEqual([
      'nexum:host/chain',
      'nexum:host/clock',
      'nexum:host/local-store',
      'nexum:host/logging',
    ])
  })
})

describe('block-logger', () => {
  it('logs and counts blocks, gaps and reorganisations', async () => {
    const { host, onEvent } = await start('block-logger', [['name', 'block-logger']])
    for (const number of [7, 8, 11, 10]) onEvent(block(number))
    onEvent(tick)
    expect(host.logs).toEqual([
      'info waiting for the first block',
      `info block 7 ${hash} at 2026-01-01T00:00:00.000Z`,
      `info block 8 ${hash} at 2026-01-01T00:00:00.000Z`,
      'warn missed 2 blocks between 8 and 11',
      `info block 11 ${hash} at 2026-01-01T00:00:00.000Z`,
      'warn block 10 follows block 11: the chain was reorganised or reset',
      `info block 10 ${hash} at 2026-01-01T00:00:00.000Z`,
    ])
    expect(Object.fromEntries(host.store)).toEqual({
      'blocks/count': '4',
      'blocks/last': '10',
      'blocks/gaps': '1',
    })
  })

  it('passes on what the store answers', async () => {
    const { host, onEvent } = await start('block-logger', [])
    host.storeFails = true
    expect(thrownBy(() => onEvent(block(13)))).toMatchObject({
      domain: 'local-store',
      kind: { tag: 'internal' },
      message: 'the disk is gone',
    })
  })
})

describe('balance-watch', () => {
  const addresses: [string, string] = ['addresses', `["${rich}", "${poor}"]`]
  const balance = (address: string, number: number) =>
    `eth_getBalance ["${address}","0x${number.toString(16)}"]`

  it('stores balances, reports changes and warns once when a limit is passed', async () => {
    const { host, onEvent } = await start('balance-watch', [
      addresses,
      ['warn_above_wei', '3000000000000000000'],
      ['warn_below_wei', '1000000000000000000'],
    ])
    host.chain = {
      [balance(rich, 20)]: '"0x1bc16d674ec80000"', // 2 ETH
      [balance(poor, 20)]: '"0x6f05b59d3b20000"', // 0.5 ETH
      [balance(rich, 21)]: '"0x3782dace9d900000"', // 4 ETH
      [balance(poor, 21)]: '"0x6f05b59d3b20000"',
    }
    onEvent(block(20))
    onEvent(block(21))
    onEvent(tick)
    expect(host.logs).toEqual([
      'info watching 2 addresses',
      `warn ${poor} holds 0.5 ETH, below 1 ETH`,
      `info ${rich} changed by +2 ETH to 4 ETH at block 21`,
      `warn ${rich} holds 4 ETH, above 3 ETH`,
      'info 2 of 2 addresses hold 4.5 ETH at block 21 (2026-01-01T00:00:00.000Z, 250 ms ago)',
    ])
    expect(JSON.parse(host.store.get(`balance/${rich}`)!)).toEqual({ wei: '4000000000000000000', block: 21 })
  })

  it('goes on when one answer of the batch is missing', async () => {
    const { host, onEvent } = await start('balance-watch', [addresses])
    host.chain = { [balance(poor, 20)]: '"0x0"' }
    onEvent(block(20))
    expect(host.logs.at(-1)).toBe(
      `warn balance of ${rich} at block 20 is unknown (timeout: no answer in time)`,
    )
    expect([...host.store.keys()]).toEqual([`balance/${poor}`])
  })

  it.each<[string, [string, string][]]>([
    ['addresses', []],
    ['addresses', [['addresses', '["0x12"]']]],
    ['addresses', [['addresses', 'nobody']]],
    ['warn_below_wei', [addresses, ['warn_below_wei', '-1']]],
    ['warn_above_wei', [addresses, ['warn_above_wei', '1'], ['warn_below_wei', '2']]],
    ['adresses', [['adresses', '[]']]],
  ])('refuses bad config and names %s', async (key, config) => {
    const guest = await instantiate(component('balance-watch'), plainHost())
    expect(thrownBy(() => guest['init']!(config))).toMatchObject({
      domain: 'balance-watch',
      kind: { tag: 'invalid-input' },
      message: expect.stringContaining(`config ${key}: `),
    })
  })
})
