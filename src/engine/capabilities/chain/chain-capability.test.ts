import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callContext } from '../../../../test/support/call-context.ts'
import { LocalNode } from '../../../../test/support/local-node.ts'
import { chainConfigSchema } from '../../../shared/domain/chain.ts'
import { moduleGrantsSchema } from '../../../shared/domain/operator/grants.ts'
import { ChainPool } from '../../chains/chain-pool.ts'
import { HostFailure } from '../capability.ts'
import { createChainCapability } from './chain-capability.ts'
import type { RpcResult } from './chain-capability.ts'

let node: LocalNode
let pool: ChainPool

beforeEach(async () => {
  node = await new LocalNode().start()
  pool = new ChainPool()
  configure(node.http)
})

afterEach(async () => {
  pool.dispose()
  await node.stop()
})

function configure(...urls: string[]): void {
  const endpoints = urls.map((url) => ({ url }))
  pool.configure([
    chainConfigSchema.parse({
      chainId: '1',
      name: 'Test',
      endpoints,
      pollIntervalMs: 1_000,
      // Enough for a busy machine; retries have a test of their own (resilience.test.ts).
      requestTimeoutMs: 2_000,
      rpcPolicy: { maxRetries: 0, rateLimitPerSecond: 50 },
    }),
  ])
}

function call(name: string, ...args: unknown[]): Promise<unknown> {
  return createChainCapability(pool).functions[name]!(args, callContext())
}

async function failureOf(...args: unknown[]): Promise<unknown> {
  return call('request', ...args).then(
    () => expect.fail('it did not fail'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(HostFailure)
      return (error as HostFailure).hostError
    },
  )
}

const error = (kind: string, code: number): unknown => ({
  domain: 'chain',
  kind,
  code,
  message: expect.any(String),
})

describe('chain.request', () => {
  it('parses no more than a sandbox may hand over', async () => {
    const large = `[${'[],'.repeat(400_000)}0]`
    expect(await failureOf(1n, 'eth_call', large)).toEqual(error('invalid-input', 0))
    const entries = Array.from({ length: 3 }, () => ({
      method: 'eth_call',
      params: `["${'x'.repeat(400_000)}"]`,
    }))
    await expect(call('request-batch', 1n, entries)).rejects.toMatchObject({
      hostError: { kind: 'invalid-input' },
    })
    expect(node.received).toEqual([])
  })

  it('spec nexum-host 18 row 37: sends each of the 19 reads, and an extra that manifest and operator both name', async () => {
    const reads = [
      ...['eth_blockNumber', 'eth_call', 'eth_chainId', 'eth_estimateGas', 'eth_feeHistory', 'eth_gasPrice'],
      ...['eth_maxPriorityFeePerGas', 'eth_getBalance', 'eth_getBlockByHash', 'eth_getBlockByNumber'],
      ...['eth_getBlockReceipts', 'eth_getCode', 'eth_getLogs', 'eth_getProof', 'eth_getStorageAt'],
      ...['eth_getTransactionByHash', 'eth_getTransactionCount', 'eth_getTransactionReceipt', 'net_version'],
    ]
    expect(reads).toHaveLength(19)
    for (const method of [...reads, 'debug_traceCall']) node.answers.set(method, '"result":"0x1"')
    for (const method of reads) expect(await call('request', 1n, method, '[]')).toBe('"0x1"')
    const capability = createChainCapability(pool)
    const asked = callContext('[module.chain]\nextra_allowed_methods = ["debug_traceCall"]')
    const trace = (context: typeof asked): Promise<unknown> =>
      capability.functions['request']!([1n, 'debug_traceCall', '[]'], context)
    await expect(trace(asked)).rejects.toMatchObject({ hostError: { kind: 'denied', code: -32601 } })
    const endpoints = [{ url: node.http }]
    const extraMethods = ['debug_traceCall', 'eth_subscribe']
    pool.configure([chainConfigSchema.parse({ chainId: '1', name: 'Test', endpoints, extraMethods })])
    expect(await trace(asked)).toBe('"0x1"')
    await expect(trace(callContext())).rejects.toMatchObject({ hostError: { kind: 'denied' } })
    // What the operator says of the module narrows that, and one that was discovered has nothing without it.
    const manifest = '[module.chain]\nextra_allowed_methods = ["debug_traceCall"]'
    const withRecord = (record: Parameters<typeof callContext>[1]): Promise<unknown> =>
      trace(callContext(manifest, record))
    const grants = (methods: string[]) => moduleGrantsSchema.parse({ extraMethods: methods })
    const refused = { hostError: { kind: 'denied', code: -32601 } }
    await expect(withRecord({ grants: grants(['trace_block']) })).rejects.toMatchObject(refused)
    await expect(withRecord({ grants: grants([]) })).rejects.toMatchObject(refused)
    await expect(withRecord({ discoveredBy: 'ens x.eth' })).rejects.toMatchObject(refused)
    expect(await withRecord({ grants: grants(['debug_traceCall']), discoveredBy: 'ens x.eth' })).toBe('"0x1"')
    expect(await withRecord({ grants: moduleGrantsSchema.parse({}) })).toBe('"0x1"')
  })

  it('spec nexum-host 18 row 38: answers with the JSON text of the result', async () => {
    node.answers.set('eth_getTransactionReceipt', '"result":null')
    node.answers.set('eth_call', '"result":  {"n":18446744073709551616}')
    expect(await call('request', 1n, 'eth_chainId', '[]')).toBe('"0x1"')
    expect(await call('request', 1n, 'eth_getTransactionReceipt', '["0x00"]')).toBe('null')
    expect(await call('request', 1n, 'eth_call', '[{ "to" : 1.50 }]')).toBe('{"n":18446744073709551616}')
    expect(node.received.at(-1)).toContain('"params":[{ "to" : 1.50 }]')
  })

  it('spec nexum-host 18 row 38: sends params of null as none', async () => {
    expect(await call('request', 1n, 'eth_blockNumber', ' null ')).toBe('"0x0"')
    expect(node.received.at(-1)).not.toContain('params')
  })

  it('knows no accounts and signs nothing', async () => {
    expect(await call('request', 1n, 'eth_accounts', '[]')).toBe('[]')
    expect(await call('request', 1n, 'eth_requestAccounts', 'null')).toBe('[]')
    for (const method of ['eth_sendTransaction', 'personal_sign', 'eth_signTypedData_v4']) {
      expect(await failureOf(1n, method, '[]')).toEqual(error('denied', 0))
    }
    expect(node.received).toEqual([])
  })

  it.each([
    'eth_sendRawTransaction',
    'eth_sign',
    'eth_signTransaction',
    'eth_subscribe',
    'admin_peers',
    'debug_traceCall',
    'miner_start',
    'ETH_CALL',
    'eth_call ',
    '',
    '__proto__',
  ])('spec nexum-host 18 row 37: never sends %j', async (method) => {
    expect(await failureOf(1n, method, '[]')).toEqual(error('denied', -32601))
    expect(node.received).toEqual([])
  })

  it('spec nexum-host 18 row 38: checks the policy, then the chain, then the params, before any I/O', async () => {
    expect(await failureOf(9n, 'admin_peers', 'no json')).toEqual(error('denied', -32601))
    expect(await failureOf(9n, 'eth_call', 'no json')).toEqual({
      ...(error('unsupported', 0) as object),
      message: expect.stringContaining('9'),
    })
    for (const params of ['no json', '', '5', '"text"', 'true', '[1', '[]]']) {
      expect(await failureOf(1n, 'eth_call', params)).toEqual(error('invalid-input', -32602))
    }
    expect(node.received).toEqual([])
  })

  it('takes the greatest chain id and refuses arguments of another shape', async () => {
    expect(await failureOf(2n ** 64n - 1n, 'eth_call', '[]')).toMatchObject({
      kind: 'unsupported',
      message: expect.stringContaining('18446744073709551615'),
    })
    for (const args of [
      [],
      [1, 'eth_call', '[]'],
      [2n ** 64n, 'eth_call', '[]'],
      [1n, 'eth_call'],
      [1n, {}, '[]'],
    ]) {
      expect(await failureOf(...args)).toEqual(error('invalid-input', 0))
    }
  })

  it.each([
    [3, '"0x08c379a0"', 'internal', 3],
    [-32000, undefined, 'internal', -32000],
    [-32601, undefined, 'invalid-input', -32601],
    [-32602, '{"a": 1}', 'invalid-input', -32602],
    [-32005, undefined, 'rate-limited', -32005],
    [2 ** 31, undefined, 'internal', -32603],
  ])(
    'spec nexum-host 18 row 39: gives code %i and data %s of the node to the guest',
    async (code, data, kind, expected) => {
      const member = data === undefined ? '' : `,"data":${data}`
      node.answers.set('eth_call', `"error":{"code":${code},"message":"no"${member}}`)
      expect(await failureOf(1n, 'eth_call', '[]')).toEqual({
        domain: 'chain',
        kind,
        code: expected,
        message: 'no',
        ...(data === undefined ? {} : { data }),
      })
    },
  )

  it.each([
    ['hang', 'timeout', -32603],
    ['html', 'unavailable', -32603],
    ['close-mid-reply', 'unavailable', -32603],
    [{ status: 503 }, 'unavailable', 503],
    [{ status: 504 }, 'timeout', 504],
    [{ status: 408 }, 'timeout', 408],
    [{ status: 429 }, 'rate-limited', 429],
    [{ status: 401 }, 'denied', 401],
    [{ status: 403 }, 'denied', 403],
    [{ status: 404 }, 'invalid-input', 404],
  ] as const)('makes %j %s with code %i and no data', async (fault, kind, code) => {
    node.fault = fault
    const failure = await failureOf(1n, 'eth_call', '[]')
    expect(failure).toEqual(error(kind, code))
    expect(JSON.stringify(failure)).not.toContain('127.0.0.1')
  })

  it('spec nexum-host 18 row 40, 42: makes another chain, a refused connection and a large answer their own failures', async () => {
    node.chainId = 2
    expect(await failureOf(1n, 'eth_call', '[]')).toEqual(error('unavailable', -32603))
    node.chainId = 1
    node.answers.set('eth_call', `"result":"${'x'.repeat(1_100_000)}"`)
    expect(await failureOf(1n, 'eth_call', '[]')).toEqual(error('invalid-input', 0))
    await node.stop()
    expect(await failureOf(1n, 'eth_call', '[]')).toEqual(error('unavailable', -32603))
  })

  it('keeps code and data of an error that comes with an HTTP status', async () => {
    const body = '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no","data":"0x1"}}'
    node.faultyMethod = 'eth_call'
    node.fault = { status: 500, body }
    expect(await failureOf(1n, 'eth_call', '[]')).toMatchObject({
      kind: 'internal',
      code: -32000,
      data: '"0x1"',
    })
    node.fault = { status: 429, body }
    expect(await failureOf(1n, 'eth_call', '[]')).toMatchObject({ kind: 'rate-limited', code: -32000 })
  })
})

describe('chain.request-batch', () => {
  const batch = (chain: bigint, ...methods: string[]): Promise<unknown> =>
    call(
      'request-batch',
      chain,
      methods.map((method) => ({ method, params: '[]' })),
    )

  it('spec nexum-host 18 row 43: keeps length and order, applying the policy to each entry', async () => {
    const results = (await batch(
      1n,
      'eth_chainId',
      'admin_peers',
      'eth_accounts',
      'eth_call',
      'eth_blockNumber',
    )) as RpcResult[]
    expect(results).toEqual([
      { tag: 'ok', val: '"0x1"' },
      { tag: 'err', val: error('denied', -32601) },
      { tag: 'ok', val: '[]' },
      { tag: 'err', val: error('invalid-input', -32601) },
      { tag: 'ok', val: '"0x0"' },
    ])
    expect(node.methods()).toEqual(['eth_chainId', 'eth_chainId', 'eth_call', 'eth_blockNumber'])
  })

  it('spec nexum-host 18 row 43: answers an empty list without I/O', async () => {
    expect(await batch(1n)).toEqual([])
    expect(await batch(9n)).toEqual([])
    expect(node.received).toEqual([])
  })

  it('makes an unknown chain the failure of every entry', async () => {
    expect(await batch(9n, 'eth_call', 'eth_chainId')).toEqual([
      { tag: 'err', val: error('unsupported', 0) },
      { tag: 'err', val: error('unsupported', 0) },
    ])
  })

  it('makes a dead node and a missing answer the failures of their entries', async () => {
    node.batchFault = 'one-missing'
    expect(await batch(1n, 'eth_chainId', 'eth_chainId', 'eth_chainId')).toEqual([
      { tag: 'ok', val: '"0x1"' },
      { tag: 'err', val: error('unavailable', -32603) },
      { tag: 'ok', val: '"0x1"' },
    ])
    await node.stop()
    expect(await batch(1n, 'eth_chainId', 'eth_chainId')).toEqual([
      { tag: 'err', val: error('unavailable', -32603) },
      { tag: 'err', val: error('unavailable', -32603) },
    ])
  })

  it('takes 1000 entries and refuses more', async () => {
    const results = (await batch(1n, ...Array<string>(1_000).fill('eth_chainId'))) as RpcResult[]
    expect(results).toHaveLength(1_000)
    expect(results.every((result) => result.tag === 'ok')).toBe(true)
    await expect(batch(1n, ...Array<string>(1_001).fill('eth_chainId'))).rejects.toMatchObject({
      hostError: error('invalid-input', 0),
    })
  })
})
