import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternScan } from './pattern-scan.ts'
import { prefixPatterns, shortestMatchBytes } from './table.ts'

const alnum = 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3lM6oP9rS2uV5xY8'
const hex = '0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdef0123456789'
const run = (length: number): string => alnum.repeat(2).slice(0, length)
const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

interface Found {
  readonly id: string
  readonly text: string
}

function scan(text: string | Uint8Array): Found[] {
  const bytes = Buffer.from(text as string)
  return new PatternScan(bytes)
    .run()
    .map(({ start, end, source }) => ({ id: source.id, text: bytes.toString('latin1', start, end) }))
}

function ids(text: string): string[] {
  return scan(text).map(({ id }) => id)
}

/** Each pattern's shortest text: it is found, and without its last letter it is not. */
const shortest: [string, string][] = [
  ['openai-key', `sk-${run(20)}`],
  ['openai-project-key', `sk-proj-${run(10)}-_${run(8)}`],
  ['anthropic-key', `sk-ant-api${run(44)}-_${run(44)}`],
  ['anthropic-oauth-token', `sk-ant-oat01-${run(25)}_-${run(23)}`],
  ['openrouter-key', `sk-or-v1-${hex.slice(0, 40)}`],
  ['aws-access-key', 'AKIAIOSFODNN7EXAMPLE'],
  ['github-token', `ghp_${run(16)}`],
  ['github-token', `gho_${run(16)}`],
  ['github-token', `ghu_${run(16)}`],
  ['github-token', `ghs_${run(16)}`],
  ['github-token', `ghr_${run(16)}`],
  ['github-fine-grained-token', `github_pat_${run(22)}_${run(59)}`],
  ['stripe-live-key', `sk_live_${run(24)}`],
  ['stripe-test-key', `sk_test_${run(24)}`],
  ['session-token', `sess_${run(32)}`],
  ['google-api-key', `AIza${run(16)}-_${run(17)}`],
  ['slack-token', `xoxb-${run(5)}-${run(4)}`],
  ['slack-token', `xoxa-${run(10)}`],
  ['slack-token', `xoxp-${run(10)}`],
  ['slack-token', `xoxr-${run(10)}`],
  ['slack-token', `xoxs-${run(10)}`],
  ['twilio-key', `SK${hex.slice(0, 32)}`],
  ['sendgrid-key', `SG.${run(22)}.${run(43)}`],
  ['telegram-token', `12345678:AA${run(30)}`],
  ['groq-key', `gsk_${run(30)}`],
  ['paddock-placeholder', `paddock_secret_${run(16)}`],
  ['bearer-token', `Bearer ${run(16)}.~+/`],
  ['hex-key', hex.slice(0, 64)],
]

describe('patterns of spec tools 6', () => {
  it.each(shortest)('%s is found in all surroundings, and one letter less is not: %s', (id, secret) => {
    for (const text of [secret, ` ${secret}`, `"${secret}"`, `{"a":"${secret}"}`, `é${secret}\u20ac`]) {
      expect(scan(text)).toContainEqual({ id, text: secret })
    }
    expect(ids(secret.slice(0, -1))).not.toContain(id)
    expect(secret.length).toBeGreaterThanOrEqual(shortestMatchBytes)
  })

  it('all prefixes are tested', () => {
    for (const { prefix } of prefixPatterns) {
      expect(shortest.some(([, secret]) => secret.startsWith(prefix))).toBe(true)
    }
  })

  it('a run is taken to its end, so that no rest of a secret is left', () => {
    expect(scan(`x ghp_${run(80)} y`)).toEqual([{ id: 'github-token', text: `ghp_${run(80)}` }])
  })

  it.each([
    ['letters in the wrong case', `GHP_${run(16)} Sk-${run(20)} akiaIOSFODNN7EXAMPLE`],
    ['a name of another account', `1234567:AA${run(30)}`],
    ['a colon without AA', `123456789:AB${run(30)}`],
    ['a fine-grained token with another length', `github_pat_${run(23)}_${run(59)}`],
    ['63 and 65 hexadecimal digits', `${hex.slice(0, 63)} ${hex.slice(0, 65)}`],
    ['64 digits that are part of a word', `x${hex.slice(0, 64)} ${hex.slice(0, 64)}_ 0x${hex.slice(0, 64)}`],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['a public key', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----'],
    ['the word bearer', 'the bearer of this letter, Bearer short, bearer_aaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['authorization without a scheme', `authorization: ${run(30)}`],
    ['three parts that are no token', `${run(30)}.${run(30)}.${run(30)}`],
    ['a header without alg', `${Buffer.from('{"typ":"JWT"}').toString('base64url')}.abc.def`],
    ['a header whose alg is no string', `${Buffer.from('{"alg":12345}').toString('base64url')}.abc.def`],
    ['two parts', `${header}.abc`],
  ])('%s are nothing', (_what, text) => {
    expect(scan(text)).toEqual([])
  })

  it.each([
    'RSA PRIVATE KEY',
    'PRIVATE KEY',
    'EC PRIVATE KEY',
    'DSA PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'PGP PRIVATE KEY BLOCK',
  ])('a block of a %s, with its end, and without one to the end of the text', (label) => {
    const block = `-----BEGIN ${label}-----\nMIIB\n-----END CERTIFICATE-----\nAA\n-----END ${label}-----`
    expect(scan(`before ${block} after`)).toEqual([{ id: 'private-key', text: block }])
    expect(scan(`${block}\n${block}`)).toHaveLength(2)
    const open = `-----BEGIN ${label}-----\nMIIB and so on`
    expect(scan(`before ${open}`)).toEqual([{ id: 'private-key', text: open }])
  })

  it('a JSON Web Token, also without signature, with blanks in its header, and behind other letters', () => {
    const payload = Buffer.from('{"sub":"1"}').toString('base64url')
    const blank = Buffer.from(' \n{ "alg" : "none" }').toString('base64url')
    for (const token of [
      `${header}.${payload}.sig_-nature`,
      `${header}.${payload}.`,
      `${blank}.${payload}.x`,
    ]) {
      expect(scan(`a "${token}" b`)).toEqual([{ id: 'json-web-token', text: token }])
    }
    expect(scan(`id_${header}.${payload}.s`)).toEqual([
      { id: 'json-web-token', text: `${header}.${payload}.s` },
    ])
    expect(ids(`a.b.${header}.${payload}.s.c.d`)).toEqual(['json-web-token'])
  })

  it('a candidate beyond 64 KiB is a JSON Web Token', () => {
    expect(ids(`${'A'.repeat(65_537)}.b.c`)).toEqual(['json-web-token'])
    expect(ids(`${'A'.repeat(65_536)}.b.c`)).toEqual([])
    expect(ids(`${'eyJ'.repeat(20)}.b.c`)).toEqual(['json-web-token'])
  })

  it('the value of an authorization header, plain and in JSON, without breaking the JSON', () => {
    const found = { id: 'authorization-value', text: `Basic ${run(20)}` }
    expect(scan(`Proxy-Authorization:  Basic ${run(20)}\r\n`)).toEqual([found])
    expect(scan(`{"authorization": "Basic ${run(20)}"}`)).toEqual([found])
    expect(scan(`{\\"AUTHORIZATION\\":\\"Basic ${run(20)}\\"}`)).toEqual([found])
    expect(ids(`authorization: Basic ${run(19)}`)).toEqual([])
    expect(scan(`authorization: bearer ${run(20)}`)).toContainEqual({
      id: 'bearer-token',
      text: `bearer ${run(20)}`,
    })
  })

  it('spec tools 6: bytes that are no UTF-8 switch nothing off', () => {
    const bytes = Buffer.concat([
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from(`ghp_${run(16)}`),
      Buffer.from([0xc3]),
    ])
    expect(scan(bytes)).toEqual([{ id: 'github-token', text: `ghp_${run(16)}` }])
  })

  it('what is found does not depend on how the work is divided', () => {
    const piece = fc.oneof(
      fc.constantFrom(...shortest.map(([, secret]) => secret)),
      fc.constantFrom('-----BEGIN RSA PRIVATE KEY-----', '-----END RSA PRIVATE KEY-----', `${header}.a.b`),
      fc.constantFrom('.', '-', '_', ' ', 'eyJ', 'sk-', 'Bearer '),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 60 }), (pieces, budget) => {
        const bytes = Buffer.from(pieces.join(''))
        const divided = new PatternScan(bytes)
        while (divided.advance(budget));
        expect(divided.matches).toEqual(new PatternScan(bytes).run())
        // A part of a larger text, as the strings of an output are.
        const around = Buffer.concat([Buffer.from('ab'), bytes, Buffer.from('cd')])
        const inner = new PatternScan(around, 2, 2 + bytes.length).run()
        expect(inner.map(({ start, end }) => [start - 2, end - 2])).toEqual(
          divided.matches.map(({ start, end }) => [start, end]),
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('spec tools 14 row linear scan', () => {
  const hostile = [
    'a-',
    'a.',
    'eyJ',
    'eyJ.',
    'eyJhbGciOi.',
    `${header}.`,
    'sk-',
    'sk-ant-api',
    `sk-ant-api${'a'.repeat(89)} `,
    'bearer ',
    'Bearer aaaaaaaaaaaaaaaaaaa ',
    'authorization: a ',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    '-----END ',
    '-----',
    '1234567890:AA',
    '1',
    'f',
    'SG.',
    `SG.${'a'.repeat(22)}.`,
    'xoxb-',
    `github_pat_${'a'.repeat(22)}_`,
  ]
  const workOf = (text: string): number => {
    const scanning = new PatternScan(Buffer.from(text))
    scanning.run()
    return scanning.work
  }

  it.each(hostile)(
    'the work for 1 MiB of %j is at most 12 steps a byte, and grows with the size only',
    (unit) => {
      const size = 1_048_576
      const text = unit.repeat(Math.ceil(size / unit.length)).slice(0, size)
      const work = workOf(text)
      expect(work).toBeLessThanOrEqual(12 * size)
      const half = workOf(text.slice(0, size / 2))
      expect(work).toBeLessThanOrEqual(2.1 * half + 100_000)
    },
  )

  it('and of any mixture of such texts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...hostile), fc.integer({ min: 1, max: 400 })), {
          minLength: 1,
          maxLength: 8,
        }),
        (parts) => {
          const text = parts.map(([unit, count]) => unit.repeat(count)).join('')
          expect(workOf(text)).toBeLessThanOrEqual(12 * text.length + 4_096)
        },
      ),
      { numRuns: 100 },
    )
  })
})
