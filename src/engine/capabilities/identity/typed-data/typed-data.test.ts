import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { TypedDataError } from './typed-data-error.ts'
import { readTypedData } from './typed-data.ts'

/** The example of EIP-712, with the digest that the EIP states. */
const mail = {
  types: {
    Person: [
      { name: 'name', type: 'string' },
      { name: 'wallet', type: 'address' },
    ],
    Mail: [
      { name: 'from', type: 'Person' },
      { name: 'to', type: 'Person' },
      { name: 'contents', type: 'string' },
    ],
  },
  primaryType: 'Mail',
  domain: {
    name: 'Ether Mail',
    version: '1',
    chainId: 1,
    verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC',
  },
  message: {
    from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
    to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
    contents: 'Hello, Bob!',
  },
}
const mailDigest = '0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2'

const explicit = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
]

function problemOf(document: object): string {
  try {
    readTypedData(JSON.stringify(document))
  } catch (error) {
    if (error instanceof TypedDataError) return error.message
    throw error
  }
  throw new Error('it was not refused')
}

/** One value of one type, as a document. */
function of(type: string, value: unknown, types: object = {}): object {
  return {
    types: { T: [{ name: 'v', type }], ...types },
    primaryType: 'T',
    domain: { name: 'x' },
    message: { v: value },
  }
}

const accepts = (type: string, value: unknown, types?: object): boolean => {
  try {
    readTypedData(JSON.stringify(of(type, value, types)))
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(TypedDataError)
    return false
  }
}

describe('typed data', () => {
  it('hashes the example of EIP-712, its domain type implied or declared', () => {
    expect(readTypedData(JSON.stringify(mail)).digest).toBe(mailDigest)
    const declared = { ...mail, types: { ...mail.types, EIP712Domain: explicit } }
    expect(readTypedData(JSON.stringify(declared)).digest).toBe(mailDigest)
    expect(readTypedData(readTypedData(JSON.stringify(mail)).canonical).digest).toBe(mailDigest)
  })

  it('shows what is signed, field by field, and not what is not', () => {
    const document = { ...mail, message: { ...mail.message, note: 'harmless, really' } }
    const { fields, domain, digest } = readTypedData(JSON.stringify(document))
    expect(digest).toBe(mailDigest)
    expect(fields).toEqual([
      { path: 'message.from.name', type: 'string', value: 'Cow' },
      { path: 'message.from.wallet', type: 'address', value: '0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826' },
      { path: 'message.to.name', type: 'string', value: 'Bob' },
      { path: 'message.to.wallet', type: 'address', value: '0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' },
      { path: 'message.contents', type: 'string', value: 'Hello, Bob!' },
    ])
    expect(domain.map(({ path, value }) => [path, value])).toContainEqual(['domain.chainId', '1'])
  })

  it('derives the domain from the members it has', () => {
    for (const domain of [
      {},
      { name: 'x' },
      { salt: `0x${'ab'.repeat(32)}` },
      { version: '2', chainId: '0x10' },
    ]) {
      const document = { ...mail, domain }
      const type = explicit.concat({ name: 'salt', type: 'bytes32' }).filter(({ name }) => name in domain)
      const declared = { ...document, types: { ...mail.types, EIP712Domain: type } }
      expect(readTypedData(JSON.stringify(document)).digest).toBe(
        readTypedData(JSON.stringify(declared)).digest,
      )
    }
  })

  it.each(['', '{', 'null', '[]', '5', '"x"', '{}'])('refuses %j', (json) => {
    expect(() => readTypedData(json)).toThrow(TypedDataError)
  })

  it.each([
    ['message.to', /message\.to is missing/],
    ['message.from.wallet', /message\.from\.wallet is missing/],
    ['domain', /domain must be an object/],
    ['types', /types must be an object/],
    ['types.Person', /unknown type Person/],
    ['primaryType', /primaryType is not among/],
  ])('tells that %s is missing', (place, expected) => {
    const document = structuredClone(mail) as object
    const names = place.split('.')
    const last = names.pop() ?? ''
    let holder = document as Record<string, object>
    for (const name of names) holder = holder[name] as Record<string, object>
    Reflect.deleteProperty(holder, last)
    expect(problemOf(document)).toMatch(expected)
  })

  it('names the place of what is wrong', () => {
    const types = (more: object) => ({ ...mail, types: { ...mail.types, ...more } })
    expect(problemOf({ ...mail, domain: { ...mail.domain, evil: 1 } })).toMatch(/domain\.evil/)
    expect(problemOf({ ...mail, primaryType: 'Post' })).toMatch(/primaryType/)
    expect(problemOf({ ...mail, primaryType: 'EIP712Domain' })).toMatch(/primaryType/)
    expect(problemOf(types({ Mail: [{ name: 'a', type: 'Nope' }] }))).toMatch(/unknown type Nope/)
    expect(problemOf(types({ uint256: [] }))).toMatch(/uint256/)
    expect(problemOf(types({ 'a b': [] }))).toMatch(/cannot be the name/)
    expect(problemOf(types({ Mail: [...mail.types.Mail, { name: 'to', type: 'string' }] }))).toMatch(
      /repeats/,
    )
    expect(problemOf(types({ Mail: 5 }))).toMatch(/types\.Mail must be a list/)
  })

  it.each([
    [
      'uint8',
      [0, 255, '255', '0xff'],
      [-1, 256, '256', 1.5, '1.0', 'x', '', null, true, {}, '0x', '-0x1', ' 1'],
    ],
    ['int8', [-128, 127, '-128'], [-129, 128]],
    ['uint256', [(2n ** 256n - 1n).toString(), '0'], [(2n ** 256n).toString(), 2 ** 53, 1e21, '1e3']],
    ['int256', [(-(2n ** 255n)).toString(), (2n ** 255n - 1n).toString()], [(2n ** 255n).toString()]],
    ['bool', [true, false], [1, 'true', null]],
    ['string', ['', 'ü', '😀'], [1, null, '\ud800']],
    [
      'address',
      [`0x${'ab'.repeat(20)}`, `0x${'AB'.repeat(20)}`],
      [`0x${'ab'.repeat(19)}`, 'ab'.repeat(20), 1, '0x'],
    ],
    ['bytes', ['0x', '0xab'], ['0xa', 'ab', [1]]],
    ['bytes4', ['0x01020304'], ['0x010203', '0x0102030405']],
    ['uint8[]', [[], [1, 2]], [1, [256], {}, null]],
    ['uint8[2]', [[1, 2]], [[1], [1, 2, 3]]],
    ['uint8[2][]', [[], [[1, 2]]], [[[1]]]],
  ])('checks values of %s', (type, good, bad) => {
    for (const value of good) expect(accepts(type, value), JSON.stringify(value)).toBe(true)
    for (const value of bad) expect(accepts(type, value), JSON.stringify(value)).toBe(false)
  })

  it.each([
    'uint',
    'int',
    'uint7',
    'uint264',
    'uint0',
    'bytes0',
    'bytes33',
    'byte',
    'Uint8',
    'uint8 ',
    'T[',
    '[]',
    '',
    'function',
  ])('does not know the type %j', (type) => {
    expect(accepts(type, 1)).toBe(false)
  })

  it('does not follow depth without end, nor the prototype', () => {
    const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)])
    expect(accepts(`uint8${'[]'.repeat(8)}`, nested(7))).toBe(true)
    expect(accepts(`uint8${'[]'.repeat(9)}`, nested(8))).toBe(false)
    const node = { N: [{ name: 'next', type: 'N[]' }] }
    const chain = (depth: number): unknown => ({ next: depth === 0 ? [] : [chain(depth - 1)] })
    expect(accepts('N', chain(20), node)).toBe(true)
    expect(accepts('N', chain(100), node)).toBe(false)
    expect(problemOf(of('T2', {}, { T2: [{ name: 'toString', type: 'string' }] }))).toMatch(
      /toString is missing/,
    )
    expect(
      accepts('T2', JSON.parse('{"__proto__":"x"}'), { T2: [{ name: '__proto__', type: 'string' }] }),
    ).toBe(true)
  })

  it('takes little time for documents that are made to take much', () => {
    const wide = Array.from({ length: 400 }, (_each, index) => ({
      name: `field${index}`.padEnd(60, 'x'),
      type: 'uint8',
    }))
    const types = { E: [{ name: 'a', type: 'W[]' }], W: wide }
    const entries = (count: number) => Array.from({ length: count }, () => ({ a: [] }))
    const began = performance.now()
    expect(accepts('E[]', entries(2_000), types)).toBe(true)
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(accepts('E[]', entries(5_000), types)).toBe(false)
  })

  it('does not hash megabytes of types that all refer to each other', () => {
    const name = (index: number) => `S${index % 60}`.padEnd(60, 'x')
    const types = Object.fromEntries(
      Array.from({ length: 60 }, (_each, index) => [
        name(index),
        [1, 7, 13, 29].map((step) => ({ name: `f${step}`.padEnd(60, 'y'), type: `${name(index + step)}[]` })),
      ]),
    )
    const value = Object.fromEntries(
      [1, 7, 13, 29].map((step) => [`f${step}`.padEnd(60, 'y'), [] as unknown[]]),
    )
    const T2 = Array.from({ length: 60 }, (_each, index) => ({ name: `r${index}`, type: name(index) }))
    const root = Object.fromEntries(T2.map(({ name: field }) => [field, value]))
    expect(problemOf(of('T2', root, { ...types, T2 }))).toMatch(/types refer to each other more than/)
    expect(accepts('T2', { r0: value }, { ...types, T2: T2.slice(0, 1) })).toBe(true)
  })

  it('hashes as viem does whatever the values are', () => {
    const hex = (bytes: number) =>
      fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => `0x${Buffer.from(b).toString('hex')}`)
    fc.assert(
      fc.property(
        fc.record({
          n: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
          i: fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }),
          s: fc.string({ unit: 'grapheme' }),
          a: hex(20),
          b: hex(32),
          l: fc.array(
            fc.record({
              flag: fc.boolean(),
              d: fc.uint8Array().map((b) => `0x${Buffer.from(b).toString('hex')}`),
            }),
            { maxLength: 4 },
          ),
        }),
        (message) => {
          const types = {
            T: [
              { name: 'n', type: 'uint256' },
              { name: 'i', type: 'int128' },
              { name: 's', type: 'string' },
              { name: 'a', type: 'address' },
              { name: 'b', type: 'bytes32' },
              { name: 'l', type: 'E[]' },
            ],
            E: [
              { name: 'flag', type: 'bool' },
              { name: 'd', type: 'bytes' },
            ],
          }
          const document = { types, primaryType: 'T' as const, domain: { name: 'x', chainId: 5 }, message }
          const json = JSON.stringify(document, (_k, v: unknown) =>
            typeof v === 'bigint' ? v.toString() : v,
          )
          expect(readTypedData(json).digest).toBe(hashTypedData(document as never))
        },
      ),
      { numRuns: 100 },
    )
  })
})
