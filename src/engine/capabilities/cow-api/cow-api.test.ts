import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callContext } from '../../../../test/support/call-context.ts'
import { OrderBook } from '../../../../test/support/order-book.ts'
import { HostFailure } from '../capability.ts'
import { serviceSender } from '../services/service-http.ts'
import { orderBookBase, resolveBelow } from './base-urls.ts'
import { createCowApiCapability } from './cow-api-capability.ts'
import { checkOrder, readOrderUid } from './order.ts'

let book: OrderBook
let base: string
let submits: unknown[]

beforeEach(async () => {
  book = new OrderBook(1337)
  base = await book.start()
  submits = []
})

afterEach(async () => book.stop())

function call(name: string, ...args: unknown[]): Promise<unknown> {
  const capability = createCowApiCapability({
    override: (chainId) => (chainId === '1337' ? base : null),
    send: serviceSender('cow-api'),
    onSubmit: (chainId, taken) => submits.push([chainId, taken]),
  })
  return capability.functions[name]!(args, callContext())
}

const request = (...args: unknown[]): Promise<unknown> => call('request', 1337n, ...args)
const submit = (order: unknown): Promise<unknown> =>
  call('submit-order', 1337n, Buffer.from(typeof order === 'string' ? order : JSON.stringify(order)))

async function failure(work: Promise<unknown>): Promise<HostFailure['hostError']> {
  const error: unknown = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(HostFailure)
  const { hostError } = error as HostFailure
  expect(hostError.message).not.toContain('127.0.0.1')
  expect(hostError.domain).toBe('cow-api')
  return hostError
}

const order = {
  sellToken: `0x${'11'.repeat(20)}`,
  buyToken: `0x${'22'.repeat(20)}`,
  sellAmount: '1000',
  buyAmount: '2000',
  feeAmount: '0',
  validTo: 1_900_000_000,
  appData: '{}',
  appDataHash: '0xb48d38f93eaa084033fc5970bf96e559c33c4cdc07d889ab00b4d63f9590739d',
  kind: 'sell',
  partiallyFillable: false,
  sellTokenBalance: 'erc20',
  buyTokenBalance: 'erc20',
  signingScheme: 'eip1271',
  signature: '0x1234',
  from: `0x${'Aa'.repeat(20)}`,
}

describe('spec nexum-host 18 row 46: order book base', () => {
  it.each([
    ['1', 'https://api.cow.fi/mainnet/'],
    ['100', 'https://api.cow.fi/xdai/'],
    ['8453', 'https://api.cow.fi/base/'],
    ['42161', 'https://api.cow.fi/arbitrum_one/'],
    ['11155111', 'https://api.cow.fi/sepolia/'],
  ])('chain %s is at %s', (chainId, url) => {
    expect(orderBookBase(chainId, null)?.href).toBe(url)
    expect(resolveBelow(new URL(url), '/api/v1/x')?.href).toBe(`${url}api/v1/x`)
  })

  it('takes an override with and without its slash, for further chains as well', () => {
    expect(orderBookBase('1', 'http://h/a/b')?.href).toBe('http://h/a/b/')
    expect(orderBookBase('7', 'http://h/a/b/')?.href).toBe('http://h/a/b/')
    expect(orderBookBase('7', 'http://h')?.href).toBe('http://h/')
    expect(orderBookBase('7', null)).toBeNull()
  })

  it('is asked below its last segment, and unknown chains are unsupported', async () => {
    expect(JSON.parse((await request('GET', '/api/v1/version')) as string)).toEqual({ version: 'local' })
    expect(await request('GET', 'api/v1/version?a=b%20c')).toContain('local')
    expect(book.requests.map(({ line }) => line)).toEqual([
      'GET /local/api/v1/version',
      'GET /local/api/v1/version?a=b%20c',
    ])
    expect(await failure(call('request', 5n, 'GET', 'x'))).toMatchObject({ kind: 'unsupported', code: 501 })
    expect(await failure(call('submit-order', 5n, Buffer.from('{}')))).toMatchObject({ kind: 'unsupported' })
  })
})

describe('spec nexum-host 18 row 47: path escape', () => {
  it.each([
    'https://evil/',
    'HTTPS://evil/',
    'http:evil',
    '//evil/x',
    '///evil/x',
    '/../x',
    '../x',
    'api/../../x',
    'api/..',
    '%2e%2e/x',
    '.%2E/x',
    'api/%2e%2e%2f%2e%2e/x',
    'api/..%2fx',
    'api/%252e%252e/x',
    '\\\\evil',
    '\\evil\\x',
    'api\\..\\..\\x',
    '/\\evil/x',
    'api%5c..%5cx',
    ' https://evil/',
    'https:\t//evil/',
    '\n//evil/x',
    'javascript:alert(1)',
  ])('%j', async (path) => {
    expect(await failure(request('GET', path))).toMatchObject({ kind: 'invalid-input', code: 0 })
    expect(book.requests).toEqual([])
  })

  it('never leads out, whatever the path', () => {
    const within = new URL('http://book.test/local/')
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '/',
            '\\',
            '.',
            '..',
            '%2e',
            '%2F',
            '?',
            '#',
            '@',
            ':',
            'http:',
            'x',
            ' ',
            '\t',
            '%',
          ),
        ),
        (parts) => {
          const url = resolveBelow(within, parts.join(''))
          if (url === null) return
          expect(url.origin).toBe(within.origin)
          expect(url.pathname.startsWith(within.pathname)).toBe(true)
          expect(decodeURIComponent(url.pathname.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))).not.toMatch(
            /(^|[/\\])\.\.([/\\]|$)/,
          )
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('spec nexum-host 18 row 48: REST errors', () => {
  it.each([
    [404, 'invalid-input'],
    [400, 'invalid-input'],
    [401, 'denied'],
    [408, 'timeout'],
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [504, 'timeout'],
  ])('%i brings its body verbatim', async (status, kind) => {
    book.next = { status, body: ' {"errorType": "X"}\n' }
    expect(await failure(request('GET', 'api/v1/x'))).toEqual({
      domain: 'cow-api',
      kind,
      code: status,
      message: `HTTP ${status}`,
      data: ' {"errorType": "X"}\n',
    })
  })

  it('takes four methods in any case, sends a body as JSON, and follows no redirect', async () => {
    for (const method of ['PATCH', 'HEAD', 'TRACE', '', 'GET ', 'CONNECT']) {
      expect(await failure(request(method, 'api/v1/version'))).toMatchObject({
        kind: 'invalid-input',
        code: 0,
      })
    }
    expect(book.requests).toEqual([])
    expect(await request('get', '/api/v1/version')).toContain('local')
    book.next = { status: 200, body: 'kept verbatim ü' }
    expect(await request('pUt', '/api/v1/app_data', '{"a": 1}')).toBe('kept verbatim ü')
    expect(book.requests[1]).toEqual({
      line: 'PUT /local/api/v1/app_data',
      body: '{"a": 1}',
      contentType: 'application/json',
    })
    book.next = { status: 302, body: 'elsewhere' }
    expect(await request('DELETE', '/api/v1/orders')).toBe('elsewhere')
  })

  it('is unavailable while the order book is away', async () => {
    await book.stop()
    expect(await failure(request('GET', 'x'))).toMatchObject({ kind: 'unavailable', code: 0 })
    expect(await failure(submit(order))).toEqual({
      domain: 'cow-api',
      kind: 'unavailable',
      code: 0,
      message: expect.any(String),
    })
  })
})

describe('spec nexum-host 18 row 49: order checks', () => {
  const { from: _, ...withoutFrom } = order
  it.each([
    ['no JSON', 'x'],
    ['no UTF-8', '\ud800'],
    ['a list', '[]'],
    ['zero from', { ...order, from: `0x${'0'.repeat(40)}` }],
    ['no from', withoutFrom],
    ['wrong digest', { ...order, appData: '{ }' }],
    ['short token', { ...order, sellToken: '0x11' }],
    ['number as amount', { ...order, sellAmount: 1 }],
    ['negative amount', { ...order, sellAmount: '-1' }],
    ['amount over 256 bits', { ...order, sellAmount: (2n ** 256n).toString() }],
    ['validTo over 32 bits', { ...order, validTo: 4294967296 }],
    ['broken validTo', { ...order, validTo: 1.5 }],
    ['kind', { ...order, kind: 'swap' }],
    ['buy balance', { ...order, buyTokenBalance: 'external' }],
    ['scheme', { ...order, signingScheme: 'none' }],
    ['signature', { ...order, signature: 'abcd' }],
    ['short ECDSA signature', { ...order, signingScheme: 'eip712' }],
    ['short ethsign signature', { ...order, signingScheme: 'ethsign', signature: `0x${'1'.repeat(128)}` }],
    ['presign by another', { ...order, signingScheme: 'presign', signature: `0x${'bb'.repeat(20)}` }],
    ['quoteId', { ...order, quoteId: '7' }],
    ['receiver', { ...order, receiver: 'me' }],
  ])('refuses %s before any I/O', async (_name, bad) => {
    expect(await failure(submit(bad))).toMatchObject({ kind: 'invalid-input', code: 0 })
    expect(book.requests).toEqual([])
  })

  it('writes the order anew: known members, no zero receiver, EthFlow times', async () => {
    await submit({
      ...order,
      validTo: 4294967295,
      receiver: `0x${'0'.repeat(40)}`,
      quoteId: 7,
      extra: true,
      __proto__: { polluted: 1 },
    })
    const [sent] = book.requests
    expect(sent?.line).toBe('POST /local/api/v1/orders')
    expect(sent?.contentType).toBe('application/json')
    const { receiver: _receiver, ...expected } = { ...order, receiver: '', from: order.from.toLowerCase() }
    expect(JSON.parse(sent?.body ?? '')).toEqual({ ...expected, validTo: 4294967295, quoteId: 7 })
  })

  it.each([
    [{ ...order, receiver: `0x${'33'.repeat(20)}` }],
    [{ ...order, receiver: null, quoteId: null }],
    [{ ...order, signingScheme: 'presign', signature: '0x' }],
    [{ ...order, signingScheme: 'presign', signature: order.from }],
    [{ ...order, signingScheme: 'ethsign', signature: `0x${'1f'.repeat(65)}` }],
    [{ ...order, sellAmount: (2n ** 256n - 1n).toString() }],
  ])('accepts %#', async (good) => {
    expect(await checkOrder(Buffer.from(JSON.stringify(good)))).toMatchObject({ ok: true })
  })
})

describe('spec nexum-host 18 row 50: order result', () => {
  it('answers the UID in lower case, whatever the case of the order book', async () => {
    const uid = (await submit(order)) as string
    expect(uid).toMatch(/^0x[0-9a-f]{112}$/)
    expect(book.orders.has(uid)).toBe(true)
    book.next = { status: 201, body: JSON.stringify(`0x${'AB'.repeat(56)}`) }
    expect(await submit(order)).toBe(`0x${'ab'.repeat(56)}`)
    expect(submits).toEqual([
      ['1337', true],
      ['1337', true],
    ])
    for (const body of ['"0x12"', '{}', '', `"${'ab'.repeat(57)}"`, JSON.stringify(`0x${'ab'.repeat(57)}`)]) {
      expect(readOrderUid(body)).toBeNull()
      book.next = { status: 201, body }
      expect(await failure(submit(order))).toMatchObject({ kind: 'internal', code: 0 })
    }
  })

  it('brings the whole envelope of a rejection', async () => {
    await submit(order)
    expect(await failure(submit(order))).toEqual({
      domain: 'cow-api',
      kind: 'denied',
      code: 400,
      message: expect.any(String),
      data: '{"errorType":"DuplicatedOrder","description":"order already exists"}',
    })
    const envelope = { errorType: 'FeeTooLow', description: 'no', data: { fee: '1', nested: [1] } }
    book.next = { status: 403, body: JSON.stringify(envelope) }
    const refused = await failure(submit(order))
    expect(refused).toMatchObject({ kind: 'denied', code: 403 })
    expect(JSON.parse(refused.data ?? '')).toEqual(envelope)
  })

  it.each([
    [502, '<html>Bad Gateway</html>', 'unavailable'],
    [429, '{"errorType":"TooMany","description":"slow down"}', 'rate-limited'],
    [500, '{"errorType":"X","description":"y"}', 'unavailable'],
    [400, '<html>', 'invalid-input'],
    [400, '{"errorType":"X"}', 'invalid-input'],
    [400, 'null', 'invalid-input'],
    [302, '', 'unavailable'],
  ])('brings no data with HTTP %i %s', async (status, body, kind) => {
    book.next = { status, body, type: 'text/html' }
    const failed = await failure(submit(order))
    expect(failed).toMatchObject({ kind, code: status })
    expect(failed).not.toHaveProperty('data')
    expect(book.requests).toHaveLength(1)
  })
})
