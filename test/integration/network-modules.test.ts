import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildModules } from '../../scripts/build-modules.mjs'
import { buildModule } from '../../scripts/guest-kit/build-module.mjs'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { moduleGrantsSchema, type ModuleGrants } from '../../src/shared/domain/operator/grants.ts'
import { operatorSchema } from '../../src/shared/domain/operator/operator.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  entries,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { OrderBook } from '../support/order-book.ts'
import { until } from '../support/until.ts'

const modules = resolve(import.meta.dirname, '../../modules')
/** The first account of every anvil. */
const account = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

let anvil: Anvil

beforeAll(async () => {
  await buildModules()
  await buildFixtures()
  anvil = await new Anvil().start(join(await temporaryFolder(), 'anvil.json'))
})

afterAll(async () => {
  await anvil.end('SIGKILL')
  await closeEngines()
})

afterEach(closeEngines)

/** A copy of an example module with other values in its manifest. */
async function copyOf(name: string, values: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(await temporaryFolder(), name)
  await cp(join(modules, name), folder, { recursive: true })
  let text = await readFile(join(folder, 'paddock.toml'), 'utf8')
  for (const [from, to] of Object.entries(values)) {
    expect(text).toContain(from)
    text = text.replace(from, to)
  }
  await writeFile(join(folder, 'paddock.toml'), text)
  return folder
}

interface Given {
  readonly operator?: unknown
  readonly orderbookUrl?: string
}

function start({ operator = {}, orderbookUrl }: Given = {}): Promise<TestEngine> {
  const chain = { ...chainOf(anvil.ws), ...(orderbookUrl === undefined ? {} : { orderbookUrl }) }
  const settings = settingsSchema.parse({
    devnet: { autoStart: false },
    chains: [chain],
    operator: operatorSchema.parse(operator),
  })
  return startEngine({ settings: memorySettings(settings) })
}

async function load(test: TestEngine, bundle: string, grants: Partial<ModuleGrants> = {}): Promise<string> {
  const { requestId, asks } = await test.engine.modules.inspect(bundle, {})
  const granted = asks.map((ask) => ask.capability)
  return test.engine.modules.install(requestId, granted, true, { grants: moduleGrantsSchema.parse(grants) })
}

/** Mines until it holds: a source that opens a moment later sees later blocks. */
async function mineUntil(check: () => Promise<void> | void): Promise<void> {
  await until(async () => {
    await anvil.mine(1)
    await check()
  })
}

describe('price-alert', () => {
  let server: Server
  let price = 1500

  beforeAll(async () => {
    server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ price }))
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  })

  afterAll(() => new Promise((closed) => server.close(closed)))

  it('publishes what another module hears when the price leaves its limits and comes back', async () => {
    const { port } = server.address() as AddressInfo
    const topic = '/price-alert/1/alerts/json'
    const test = await start({ operator: { limits: { http: { permitDestinations: ['127.0.0.1'] } } } })
    const listener = await bundleOf('counter', {
      chainId: null,
      more: `[[subscription]]\nkind = "message"\ncontent_topic = "${topic}"`,
    })
    await load(test, listener)
    await load(test, await copyOf('price-alert', { '127.0.0.1:8080': `127.0.0.1:${port}` }))
    await mineUntil(async () => expect(await test.stored('price-alert', 'price')).toBe('1500'))
    expect(await test.stored('counter', 'count/3')).toBeNull()
    price = 2500
    await mineUntil(async () => expect(await test.stored('price-alert', 'zone')).toBe('above'))
    await until(async () => expect(await test.stored('counter', 'count/3')).toBe('1'))
    price = 1600
    await mineUntil(async () => expect(await test.stored('price-alert', 'zone')).toBe('within'))
    await until(async () => expect(await test.stored('counter', 'count/3')).toBe('2'))
  })

  it('is refused the server while the operator does not permit it', async () => {
    const { port } = server.address() as AddressInfo
    const test = await start()
    const lines: string[] = []
    test.engine.logs.follow({ module: 'price-alert', minLevel: 'warn' }, (records) =>
      lines.push(...records.map(({ message }) => message)),
    )
    await load(test, await copyOf('price-alert', { '127.0.0.1:8080': `127.0.0.1:${port}` }))
    await mineUntil(() => {
      expect(lines.some((line) => line.includes('denied'))).toBe(true)
    })
    expect(await test.stored('price-alert', 'price')).toBeNull()
  })
})

describe('log-indexer', () => {
  const transfer = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
  /** Emits Transfer(caller, first word of the call, second word). */
  const code = `60206020600037600035337f${transfer}60206000a300`
  const creation = `0x6032600c60003960326000f3${code}`
  const to = `0x${'12'.repeat(20)}`

  async function mined(transaction: Record<string, string>): Promise<{ contractAddress: string }> {
    const hash = await anvil.rpc('eth_sendTransaction', [{ from: account, gas: '0x100000', ...transaction }])
    await anvil.mine(1)
    return (await anvil.rpc('eth_getTransactionReceipt', [hash])) as { contractAddress: string }
  }

  it('keeps transfers and balances, also those that were logged while it was away', async () => {
    const test = await start()
    const { contractAddress: token } = await mined({ data: creation })
    const send = (amount: number): Promise<unknown> => {
      const words = [to.slice(2).padStart(64, '0'), amount.toString(16).padStart(64, '0')]
      return mined({ to: token, data: `0x${words.join('')}` })
    }
    await load(test, await copyOf('log-indexer'))
    const balance = async (): Promise<number> =>
      Number(await test.stored('log-indexer', `balance/${token}/${to}`))
    await until(async () => {
      await send(100)
      expect(await balance()).toBeGreaterThan(0)
    })
    // Logs are handled in order: with this one all before it are.
    await send(7)
    await until(async () => expect((await balance()) % 100).toBe(7))
    const first = await balance()
    await test.engine.modules.stop('log-indexer')
    for (const amount of [1, 2, 3]) await send(amount)
    await test.engine.modules.start('log-indexer')
    await until(async () => {
      expect(await test.stored('log-indexer', `balance/${token}/${to}`)).toBe(String(first + 6))
    })
    expect(await test.stored('log-indexer', `balance/${token}/${account}`)).toBe(String(-first - 6))
    const { entries: kept } = await test.engine.modules.storeKeys({
      name: 'log-indexer',
      prefix: 'transfer/',
      after: null,
      limit: 100,
    })
    expect(String(kept.length)).toBe(await test.stored('log-indexer', 'count'))
  })
})

describe('order-keeper', () => {
  let book: OrderBook
  let orderbookUrl: string

  beforeAll(async () => {
    book = new OrderBook(31_337)
    orderbookUrl = await book.start()
  })

  afterAll(async () => book.stop())

  it('signs an order that the order book takes, and places another when that is gone', async () => {
    const operator = { identity: { testKey: key, testKeyEnabled: true } }
    const test = await start({ operator, orderbookUrl })
    await load(test, await copyOf('order-keeper'), { accounts: [account], approval: 'auto' })
    await mineUntil(() => {
      expect(book.orders.size).toBe(1)
    })
    const [uid = '', order] = [...book.orders][0] ?? []
    expect(order).toMatchObject({ from: account, sellAmount: '1000000000000000000', signingScheme: 'eip712' })
    await until(async () => expect(await test.stored('order-keeper', 'order')).toContain(uid))
    await mineUntil(() => {
      const looks = book.requests.filter(({ line }) => line === `GET /local/api/v1/orders/${uid}`)
      expect(looks.length).toBeGreaterThan(1)
    })
    expect(book.orders.size).toBe(1)
    // Another time makes another order; blocks that wait are still of the time before.
    await anvil.rpc('evm_increaseTime', [5])
    await mineUntil(() => {
      book.orders.delete(uid)
      expect(book.orders.size).toBe(1)
    })
  })

  it('places nothing without an account', async () => {
    book.orders.clear()
    const test = await start({ orderbookUrl })
    const lines: string[] = []
    test.engine.logs.follow({ module: 'order-keeper', minLevel: 'warn' }, (records) =>
      lines.push(...records.map(({ message }) => message)),
    )
    await load(test, await copyOf('order-keeper'))
    await mineUntil(() => {
      expect(lines.length).toBeGreaterThan(0)
    })
    expect(book.orders.size).toBe(0)
  })
})

describe('rule-query', () => {
  const dead = '0x000000000000000000000000000000000000dead'
  const question = (to: string, value: string): Buffer => Buffer.from(JSON.stringify({ to, value }))

  it('judges by its rules', async () => {
    const test = await start()
    await load(test, await copyOf('rule-query'))
    const ask = async (input: Buffer): Promise<unknown> => {
      const answer = await test.engine.contracts.queries.ask('rule-query', input)
      return answer.ok ? JSON.parse(Buffer.from(answer.value).toString()) : answer.error
    }
    expect(await ask(question(account, '1000000000000000000'))).toEqual({ allowed: true, reason: null })
    expect(await ask(question(account, '1000000000000000001'))).toMatchObject({ allowed: false })
    expect(await ask(question(dead.toUpperCase().replace('X', 'x'), '1'))).toMatchObject({ allowed: false })
    expect(await ask(Buffer.from('?'))).toMatchObject({ domain: 'rule-query', kind: 'invalid-input' })
  })

  it('answers on the command line, which exits by the answer', async () => {
    const cli = join(entries.sandbox, '../cli.cjs')
    const bundle = await bundleOf('query', { chainId: null })
    const query = (input: string): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, [cli, 'query', bundle, '--input', input, '--json'])
    expect(JSON.parse((await query('0x00ff')).stdout)).toEqual({ ok: true, hex: '0x00ff' })
    await expect(query('')).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('empty input') })
    await expect(query('0xf')).rejects.toMatchObject({ code: 2 })
    await expect(query('@/nowhere/at/all')).rejects.toMatchObject({ code: 2 })
  })
})

describe('a module of its own', () => {
  const source = `
import { set } from 'nexum:host/local-store@0.2.0'
import { publish, query } from 'nexum:host/messaging@0.2.0'
import { download, readFeed, upload, writeFeed } from 'nexum:host/remote-store@0.2.0'
import { caughtHostError, decodeText, encodeText, hex } from 'paddock:guest'

const topic = new Uint8Array(32)

export function init(): void {
  const reference = upload(encodeText('hello world'))
  set('reference', encodeText(hex(reference)))
  set('content', download(reference))
  set('large', encodeText(hex(upload(new Uint8Array(5000)))))
  set('feed', encodeText(String(readFeed(new Uint8Array(20), topic))))
  set('written', encodeText(String(writeFeed(topic, encodeText('news')).length)))
  try {
    download(new Uint8Array(31))
  } catch (thrown) {
    const { domain, kind } = caughtHostError(thrown)
    set('refused', encodeText(domain + ' ' + kind.tag))
  }
  publish('/own/1/topic/text', encodeText('one'))
  publish('/own/1/topic/text', encodeText('two'))
  const messages = query('/own/1/topic/text', null, null, 1)
  set('messages', encodeText(messages.map(({ payload, sender }) =>
    decodeText(payload) + ' from ' + (sender === null ? 'nobody' : decodeText(sender))).join()))
}

export function onEvent(): void {}
`

  it('uploads and downloads, follows feeds and looks back at messages', async () => {
    const folder = join(await temporaryFolder(), 'own')
    await mkdir(join(folder, 'src'), { recursive: true })
    await writeFile(join(folder, 'src/index.ts'), source)
    const manifest = [
      '[module]',
      'name = "own"',
      'version = "1.0.0"',
      'component = "module.wasm"',
      '[capabilities]',
      'required = ["local-store", "messaging", "remote-store"]',
    ]
    await writeFile(join(folder, 'paddock.toml'), manifest.join('\n'))
    await buildModule({ folder })
    const test = await start()
    await load(test, folder)
    await test.whenState('own', 'running')
    const stored = (name: string): Promise<string | null> => test.stored('own', name)
    expect(await stored('reference')).toBe(
      '0x92672a471f4419b255d7cb0cf313474a6f5856fb347c5ece85fb706d644b630f',
    )
    expect(await stored('content')).toBe('hello world')
    expect(await stored('large')).toBe('0x5a941fd4ec33e6b24f9a5dc6d84bbf9a684ad5297087c61169fb336e6eb16a8c')
    expect(await stored('feed')).toBe('null')
    expect(await stored('written')).toBe('32')
    expect(await stored('refused')).toBe('remote-store invalid-input')
    expect(await stored('messages')).toBe('two from own')
  })
})
