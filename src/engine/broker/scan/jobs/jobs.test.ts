import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExactScanner } from '../exact/exact-scan.ts'
import type { Paused } from './inspect.ts'
import { checkRequest, redactResponse, redactText, scrub } from './jobs.ts'
import { scanOutput } from './output.ts'

const value = 's3cr3t-V4lue'
const token = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'
const web = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.eyJzdWIiOiIxIn0.c2ln`
const hex = 'ab'.repeat(32)

function scanner(...secrets: string[]): ExactScanner {
  return new ExactScanner(
    secrets.map((text, index) => {
      const shared = Buffer.from(new SharedArrayBuffer(Buffer.byteLength(text)))
      shared.write(text)
      return { name: `secret${index}`, value: shared, injections: [] }
    }),
  )
}

function run<Result>(steps: Paused<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

const own = scanner(value)

describe('requests', () => {
  it.each([
    ['an own value', `https://a.example/?q=${value}`],
    ['an own value, encoded', `https://a.example/${Buffer.from(value).toString('base64url')}`],
    ['a pattern that blocks', `https://a.example/${token}`],
  ])('%s in a text refuses', (_what, text) => {
    expect(run(checkRequest({ texts: ['fine', text], body: undefined }, own)).kind).toBe('blocked')
  })

  it('an own value or a pattern that blocks in the body refuses, also behind bytes that are no UTF-8', () => {
    for (const secret of [value, token]) {
      const body = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(secret), Buffer.from([0xc0])])
      expect(run(checkRequest({ texts: [], body }, own)).kind).toBe('blocked')
    }
  })

  it('what is only redacted elsewhere passes, and is told of', () => {
    const verdict = run(checkRequest({ texts: [web], body: Buffer.from(hex) }, own))
    expect(verdict.kind).toBe('passed')
    expect(verdict.findings.map(({ pattern }) => pattern)).toEqual(['json-web-token', 'hex-key'])
  })

  it('findings show at most 4 characters of each end, and nothing of keys and own values', () => {
    const { findings } = run(checkRequest({ texts: [`x ${token}`], body: undefined }, own))
    expect(findings).toEqual([{ pattern: 'github-token', action: 'block', preview: 'ghp_…8B4a' }])
    const ours = run(checkRequest({ texts: [value], body: undefined }, own))
    expect(ours.findings).toEqual([{ pattern: 'own-secret', action: 'block', preview: '' }])
    const key = run(checkRequest({ texts: ['-----BEGIN PRIVATE KEY-----\nabc'], body: undefined }, own))
    expect(key.findings).toEqual([{ pattern: 'private-key', action: 'block', preview: '' }])
    const short = run(checkRequest({ texts: ['xoxb-1234567890'], body: undefined }, own))
    expect(short.findings[0]?.preview).toBe('xoxb…')
  })
})

describe('spec tools 14 row response scan', () => {
  const respond = (body: Uint8Array, headers: [string, string][] = []) =>
    run(redactResponse({ headers, body }, own))

  it.each([
    ['raw', value],
    ['%-encoded', [...Buffer.from(value)].map((byte) => `%${byte.toString(16)}`).join('')],
    ['base64', Buffer.from(value).toString('base64')],
    ['within other base64', Buffer.from(`a${value}bc`).toString('base64')],
  ])('an echoed secret (%s) becomes [REDACTED] in body and headers', (_form, echoed) => {
    const verdict = respond(Buffer.from(`{"you":"${echoed}"}`), [['x-echo', `you sent ${echoed}`]])
    if (verdict.kind !== 'passed') return expect.fail('it was blocked')
    expect(Buffer.from(verdict.body).toString()).toMatch(/^\{"you":"\w{0,3}\[REDACTED\]\w{0,3}"\}$/)
    expect(verdict.headers[0]?.[1]).toMatch(/^you sent \w{0,3}\[REDACTED\]\w{0,3}$/)
    expect(verdict.redactions).toBe(2)
  })

  it('a GitHub token blocks the whole response, in the body or in a header', () => {
    expect(respond(Buffer.from(`fine ${token}`)).kind).toBe('blocked')
    expect(respond(Buffer.from('fine'), [['x-a', token]]).kind).toBe('blocked')
  })

  it('an own value that looks like a token is redacted and blocks nothing', () => {
    const verdict = run(redactResponse({ headers: [], body: Buffer.from(`a ${token} b`) }, scanner(token)))
    expect(verdict).toMatchObject({ kind: 'passed', redactions: 1 })
  })

  it('a match that is only redacted is replaced, and the rest delivered', () => {
    const verdict = respond(Buffer.from(`a ${web} b ${hex}`))
    if (verdict.kind !== 'passed') return expect.fail('it was blocked')
    expect(Buffer.from(verdict.body).toString()).toBe(`a [REDACTED] b ${hex}`)
  })

  it('a binary body is untouched byte for byte when clean; else only the matching bytes change', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const clean = respond(noise)
        expect(clean).toMatchObject({ kind: 'passed', redactions: 0 })
        if (clean.kind === 'passed') expect(clean.body).toBe(noise)
        const dirty = respond(Buffer.concat([noise, Buffer.from(`\0${value}\0`), noise]))
        if (dirty.kind !== 'passed') return expect.fail('it was blocked')
        expect(Buffer.from(dirty.body)).toEqual(Buffer.concat([noise, Buffer.from('\0[REDACTED]\0'), noise]))
      }),
    )
  })
})

describe('spec tools 14 row output scan', () => {
  const output = (text: string, exact = own) => run(scanOutput(text, exact))

  it('a secret as an object key is redacted', () => {
    expect(output(`{"${value}": 1, "a": ["x ${value}"]}`)).toMatchObject({
      kind: 'passed',
      text: '{"[REDACTED]": 1, "a": ["x [REDACTED]"]}',
      redactions: 2,
    })
  })

  it('a secret hidden by escapes is redacted as well', () => {
    const escaped = (text: string): string =>
      [...Buffer.from(text)].map((byte) => `\\u00${byte.toString(16)}`).join('')
    const hidden = escaped(value)
    expect(output(`{"a": "${hidden}"}`)).toMatchObject({ text: '{"a": "[REDACTED]"}' })
    expect(output(`["${escaped(token)}"]`).kind).toBe('blocked')
  })

  it.each([`"${token}"`, `{"${token}": 1}`, `[[{"a": ["${token}"]}]]`])(
    'a pattern that blocks: %s',
    (text) => {
      expect(output(text).kind).toBe('blocked')
    },
  )

  it('two keys that become the same block; two that were the same do not', () => {
    expect(output(`{"${value}": 1, "[REDACTED]": 2}`).kind).toBe('blocked')
    expect(output(`{"[REDACTED]": 2, "${value}": 1}`).kind).toBe('blocked')
    expect(output(`{"a": {"${value}": 1, "${value}": 2}}`).kind).toBe('blocked')
    expect(output(`{"a": 1, "a": "${value}"}`).kind).toBe('passed')
    expect(output(`[{"${value}": 1}, {"${value}": 1}, {"b": {"${value}": 1}}]`)).toMatchObject({
      redactions: 3,
    })
  })

  it('a value of digits is found in a number as well', () => {
    expect(output('{"a": 1234567890.5e3, "b": 1}', scanner('4567890'))).toMatchObject({
      kind: 'passed',
      text: '{"a": "[REDACTED]", "b": 1}',
    })
  })

  it('what is clean stays as it was written', () => {
    const text = ' {"a" : 12345678901234567890.10, "b":[1e400, "\\u00e9\\n"], "c":null}\n'
    expect(output(text)).toMatchObject({ kind: 'passed', text, redactions: 0 })
    expect(output(`${text.slice(0, -2)}, "d": "${value}"}`)).toMatchObject({
      text: `${text.slice(0, -2)}, "d": "[REDACTED]"}`,
    })
  })

  it.each(['', '{', 'undefined', `{"a": ${value}}`, '"a" "b"'])('text that is no JSON: %j', (text) => {
    expect(output(text)).toEqual({ kind: 'not-json' })
  })

  it('depth is no danger', () => {
    const text = `${'['.repeat(100_000)}"${value}"${']'.repeat(100_000)}`
    expect(output(text)).toMatchObject({ kind: 'passed', redactions: 1 })
  })

  it('no value of any output holds the secret, and JSON stays JSON with the same shape', () => {
    const withSecret = fc.oneof(
      fc.string(),
      fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map(([a, b]) => `${a}${value}${b}`),
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        withSecret,
        fc.double(),
        fc.constantFrom(null, true, false),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(withSecret, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(tree, (content) => {
        const scan = output(JSON.stringify(content))
        // Two keys may become the same.
        if (scan.kind === 'blocked') return
        if (scan.kind !== 'passed') expect.fail('it was JSON')
        expect(scan.text).not.toContain(value)
        const expected: unknown = JSON.parse(JSON.stringify(content).replaceAll(value, '[REDACTED]'))
        expect(JSON.parse(scan.text)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe('texts', () => {
  it('text that a guest may read keeps its shape; matches that warn pass', () => {
    expect(run(redactText(`a ${value} ${token} ${web} ${hex}`, own))).toMatchObject({
      text: `a [REDACTED] [REDACTED] [REDACTED] ${hex}`,
      redactions: 3,
    })
  })

  it('redact-all: what blocks, what is redacted and what warns is replaced in place', () => {
    const [line, other] = run(scrub([`a ${value} ${token} ${web} ${hex} b`, 'clean ä'], {}, own))
    expect(line).toBe('a [REDACTED] [REDACTED] [REDACTED] [REDACTED] b')
    expect(other).toBe('clean ä')
  })

  it('redaction comes before truncation, so that a cut leaves no half of a secret', () => {
    for (let maxBytes = 1; maxBytes < 60; maxBytes++) {
      const text = `ä: ${value}, ${token}`
      const [line = ''] = run(scrub([text], { maxBytes }, own))
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(maxBytes)
      expect('ä: [REDACTED], [REDACTED]'.startsWith(line)).toBe(true)
    }
  })

  it('half a value at the end of a text that was cut before is redacted', () => {
    const cut = `${'x'.repeat(92)} ${value.slice(0, 7)}`
    expect(run(scrub([cut], { maxBytes: 100 }, own))[0]).toBe(`${'x'.repeat(92)} [REDACT`)
    expect(run(scrub([cut], { maxBytes: 200 }, own))[0]).toBe(cut)
  })
})
