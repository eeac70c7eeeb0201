import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  bytesToHex,
  hexToBytes,
  parseTransaction,
  recoverMessageAddress,
  recoverTypedDataAddress,
  stringToHex,
} from 'viem'
import type { Hex, TypedData } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Anvil } from '../../../../../test/support/anvil.ts'
import { callContext } from '../../../../../test/support/call-context.ts'
import { LocalNode } from '../../../../../test/support/local-node.ts'
import { LocalSigner } from '../../../../../test/support/local-signer.ts'
import { chainConfigSchema } from '../../../../shared/domain/chain.ts'
import type { ChainConfig } from '../../../../shared/domain/chain.ts'
import { identitySectionSchema } from '../../../../shared/domain/operator/capabilities.ts'
import { moduleGrantsSchema } from '../../../../shared/domain/operator/grants.ts'
import { systemClock } from '../../../clock.ts'
import { noMetrics } from '../../../telemetry/metrics/metrics-port.ts'
import { IdentityService } from '../../identity/identity-service.ts'
import { ChainPool } from '../../../chains/chain-pool.ts'
import type { HostFailure } from '../../capability.ts'
import type { Capability } from '../../capability.ts'
import { createChainCapability } from '../chain-capability.ts'

/** The first two keys that anvil funds. */
const keys: Hex[] = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
]
const [alice, bob] = [
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
]
const signer = new LocalSigner(keys, { one: [alice], two: [alice, bob] })
const declared = '[capabilities]\nrequired = ["chain", "identity"]'

let directory: string
let anvil: Anvil
let pool: ChainPool
let chain: Capability

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paddock-signing-'))
  anvil = await new Anvil().start(join(directory, 'state.json'))
})
afterAll(async () => {
  await anvil.end('SIGKILL')
  await rm(directory, { recursive: true })
})
beforeEach(() => {
  pool = new ChainPool()
  configure(anvil.http)
  chain = createChainCapability(pool, signer)
})
afterEach(() => pool.dispose())

function configure(url: string, change: Partial<ChainConfig> = {}): void {
  const endpoints = [{ url }]
  pool.configure([chainConfigSchema.parse({ chainId: '31337', name: 'Test', endpoints, ...change })])
}

async function call(module: string, method: string, params: unknown, manifest = declared): Promise<unknown> {
  const text = typeof params === 'string' ? params : JSON.stringify(params)
  const answer = await chain.functions['request']!(
    [31_337n, method, text],
    callContext(manifest, { name: module }),
  )
  return JSON.parse(answer as string) as unknown
}

async function failureOf(...args: Parameters<typeof call>): Promise<unknown> {
  return call(...args).then(
    () => expect.fail('it did not fail'),
    (error: unknown) => (error as HostFailure).hostError,
  )
}

const typed = {
  domain: { name: 'Test', version: '1', chainId: 31_337 },
  types: {
    EIP712Domain: [
      { name: 'name', type: 'string' },
      { name: 'version', type: 'string' },
      { name: 'chainId', type: 'uint256' },
    ],
    Order: [{ name: 'amount', type: 'uint256' }],
  },
  primaryType: 'Order',
  message: { amount: '123456789012345678901234567890' },
} as const

describe('spec nexum-host 18 row 44: signing through chain', () => {
  it('knows the granted accounts, lower-case', async () => {
    expect(await call('one', 'eth_accounts', [])).toEqual([alice])
    expect(await call('two', 'eth_requestAccounts', null)).toEqual([alice, bob])
    expect(await call('other', 'eth_accounts', [])).toEqual([])
    expect(await call('two', 'eth_accounts', [], '[capabilities]\nrequired = ["chain"]')).toEqual([])
  })

  it.each([
    ['text', 'hello'],
    ['bytes', '0x00ff10'],
    ['text that only begins like bytes', '0x0'],
  ])('personal_sign of %s recovers to the account, the prefix applied once', async (_what, data) => {
    const signature = (await call('one', 'personal_sign', [
      data,
      alice.toUpperCase().replace('0X', '0x'),
    ])) as Hex
    const raw = data === '0x00ff10' ? data : stringToHex(data)
    expect((await recoverMessageAddress({ message: { raw }, signature })).toLowerCase()).toBe(alice)
    const context = callContext(declared, { name: 'one' })
    const bytes = Uint8Array.from(Buffer.from(raw.slice(2), 'hex'))
    const same = await signer.signMessage(context, alice, bytes)
    expect(signature).toBe(`0x${Buffer.from(same).toString('hex')}`)
  })

  it('typed data as object or as text recovers to the account', async () => {
    for (const document of [typed, JSON.stringify(typed)]) {
      const signature = (await call('two', 'eth_signTypedData_v4', [bob, document])) as Hex
      const recovered = await recoverTypedDataAddress<TypedData, string>({
        ...typed,
        message: { amount: 123456789012345678901234567890n },
        signature,
      })
      expect(recovered.toLowerCase()).toBe(bob)
    }
  })

  it('refuses whoever was granted nothing, declared nothing, or meets a chain that denies', async () => {
    const denied = { domain: 'chain', kind: 'denied', code: 0 }
    const sign = ['personal_sign', ['hello', alice]] as const
    expect(await failureOf('other', ...sign)).toMatchObject(denied)
    expect(await failureOf('one', 'personal_sign', ['hello', bob])).toMatchObject(denied)
    expect(await failureOf('one', ...sign, '[capabilities]\nrequired = ["chain"]')).toMatchObject(denied)
    configure(anvil.http, { signingMethods: 'deny' })
    expect(await failureOf('one', ...sign)).toMatchObject({ kind: 'denied', code: -32601 })
    expect(await call('one', 'eth_accounts', [])).toEqual([alice])
  })

  it.each([
    ['personal_sign', ['hello']],
    ['personal_sign', ['hello', '0x12']],
    ['personal_sign', { data: 'hello' }],
    ['eth_signTypedData_v4', [alice]],
    ['eth_sendTransaction', []],
    ['eth_sendTransaction', [{ to: alice }]],
    ['eth_sendTransaction', [{ from: alice, value: '12' }]],
    ['eth_sendTransaction', [{ from: alice, nonsense: 1 }]],
    ['eth_sendTransaction', [{ from: alice, gasPrice: '0x1', maxFeePerGas: '0x1' }]],
    ['eth_sendTransaction', [{ from: alice, data: '0x01', input: '0x02' }]],
  ])('refuses %s with params %j', async (method, params) => {
    expect(await failureOf('one', method, params)).toMatchObject({ kind: 'invalid-input', code: -32602 })
  })
})

describe('spec nexum-host 18 row 45: eth_sendTransaction', () => {
  it('gives two modules with one account consecutive nonces, and fills what is left out', async () => {
    const before = Number(await call('one', 'eth_getTransactionCount', [alice, 'pending']))
    const send = (module: string): Promise<unknown> =>
      call(module, 'eth_sendTransaction', [{ from: alice, to: bob, value: '0x1' }])
    const hashes = await Promise.all([send('one'), send('two'), send('one'), send('two')])
    await anvil.mine(1)
    const sent = (await Promise.all(
      hashes.map((hash) => call('one', 'eth_getTransactionByHash', [hash])),
    )) as {
      nonce: Hex
      type: Hex
      maxFeePerGas: Hex
      maxPriorityFeePerGas: Hex
      gas: Hex
      blockNumber: Hex
    }[]
    expect(sent.map(({ nonce }) => Number(nonce)).sort((a, b) => a - b)).toEqual(
      [0, 1, 2, 3].map((step) => before + step),
    )
    for (const each of sent) {
      expect(each).toMatchObject({ type: '0x2', gas: '0x5208' })
      expect(BigInt(each.maxFeePerGas)).toBeGreaterThan(BigInt(each.maxPriorityFeePerGas))
      expect(each.blockNumber).not.toBeNull()
    }
  })

  it('refuses another chain id, another account, and sends nothing', async () => {
    const tx = { from: alice, to: bob, value: '0x1', chainId: '0x1' }
    expect(await failureOf('one', 'eth_sendTransaction', [tx])).toMatchObject({ kind: 'invalid-input' })
    expect(
      await failureOf('one', 'eth_sendTransaction', [{ ...tx, chainId: '0x7a69', from: bob }]),
    ).toMatchObject({
      kind: 'denied',
    })
    const hash = await call('one', 'eth_sendTransaction', [{ ...tx, chainId: '0x7a69' }])
    expect(hash).toMatch(/^0x[0-9a-f]{64}$/)
  })

  it('hands on the revert of an estimate with its data', async () => {
    // Creation code that reverts with the one byte 0xff.
    const error = await failureOf('one', 'eth_sendTransaction', [
      { from: alice, data: '0x60ff6000526001601ffd' },
    ])
    expect(error).toMatchObject({ domain: 'chain', kind: 'internal', code: 3, data: '"0xff"' })
  })
})

describe('spec nexum-host 18 row 44: with the real keys', () => {
  it('personal_sign equals identity.sign, and a transaction is mined', async () => {
    const record = callContext(declared, {
      name: 'one',
      grants: moduleGrantsSchema.parse({ accounts: [alice], approval: 'auto' }),
    }).record
    const identity = new IdentityService({
      settings: () => identitySectionSchema.parse({ testKey: keys[0], testKeyEnabled: true }),
      records: () => [record],
      directory: join(directory, 'keystore'),
      clock: systemClock,
      audit: { record: () => undefined },
      metrics: () => noMetrics,
      onApprovals: () => undefined,
    })
    await identity.open()
    chain = createChainCapability(pool, identity.signer)
    const context = callContext(declared, record)
    const ask = async (method: string, params: unknown): Promise<unknown> => {
      const text = JSON.stringify(params)
      return JSON.parse(
        (await chain.functions['request']!([31_337n, method, text], context)) as string,
      ) as unknown
    }
    expect(await ask('eth_accounts', [])).toEqual([alice])
    const message = new TextEncoder().encode('hello')
    const direct = await identity.capability.functions['sign']!([hexToBytes(alice as Hex), message], context)
    expect(await ask('personal_sign', ['hello', alice])).toBe(bytesToHex(direct as Uint8Array))
    const hash = await ask('eth_sendTransaction', [{ from: alice, to: bob, value: '0x1' }])
    await anvil.mine(1)
    expect(await ask('eth_getTransactionReceipt', [hash])).toMatchObject({ status: '0x1', from: alice })
    identity.close()
  })
})

describe('a broadcast', () => {
  let node: LocalNode

  beforeEach(async () => {
    node = await new LocalNode().start()
    node.chainId = 31_337
    node.answers.set('eth_getTransactionCount', '"result":"0x5"')
    node.answers.set('eth_estimateGas', '"result":"0x5208"')
    node.answers.set('eth_gasPrice', '"result":"0x64"')
    node.answers.set('eth_sendRawTransaction', `"result":"0x${'ab'.repeat(32)}"`)
  })
  afterEach(() => node.stop())

  it('is legacy where the head has no base fee', async () => {
    configure(node.http)
    await call('one', 'eth_sendTransaction', [{ from: alice, to: bob }])
    const text = node.received.find((each) => each.includes('eth_sendRawTransaction'))!
    const [raw] = (JSON.parse(text) as { params: [Hex] }).params
    expect(parseTransaction(raw)).toMatchObject({ type: 'legacy', chainId: 31_337, nonce: 5, gasPrice: 100n })
  })

  it.each(['http', 'ws'] as const)('that may have left over %s is never sent again', async (transport) => {
    const other = await new LocalNode().start()
    other.chainId = 31_337
    const endpoints = [{ url: node[transport] }, { url: other.http }]
    pool.configure([chainConfigSchema.parse({ chainId: '31337', name: 'Test', endpoints })])
    for (const fault of ['close-at-once', ...(transport === 'http' ? [{ status: 503 }] : [])] as const) {
      node.received.length = 0
      node.fault = fault
      node.faultyMethod = 'eth_sendRawTransaction'
      expect(await failureOf('one', 'eth_sendTransaction', [{ from: alice, to: bob }])).toMatchObject({
        kind: 'unavailable',
      })
      expect(node.methods().filter((method) => method === 'eth_sendRawTransaction')).toHaveLength(1)
    }
    expect(other.methods()).not.toContain('eth_sendRawTransaction')
    await other.stop()
  })
})
