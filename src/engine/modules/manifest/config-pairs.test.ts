import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { compareUtf8, flattenConfig, plainFloat } from './config-pairs.ts'
import { ManifestDocument } from './document.ts'

function flatten(body: string): [string, string][] {
  const document = new ManifestDocument('/b/paddock.toml', new TextEncoder().encode(`[config]\n${body}`))
  return flattenConfig(document, document.root['config'] as never, 'demo')
}

describe('spec nexum-host 18 row 12: flattenConfig', () => {
  it.each([
    ['"text"', 'text'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['0xff', '255'],
    ['1.0', '1'],
    ['1e300', `1${'0'.repeat(300)}`],
    ['1.5e-7', '0.00000015'],
    ['-2.5e21', '-2500000000000000000000'],
    ['nan', 'nan'],
    ['-inf', '-inf'],
    ['true', 'true'],
    ['1979-05-27', '1979-05-27'],
    ['1979-05-27T07:32:00Z', '1979-05-27T07:32:00Z'],
    ['1979-05-27 07:32:00z', '1979-05-27T07:32:00Z'],
    ['1979-05-27T00:32:00.999999-07:00', '1979-05-27T00:32:00.999999-07:00'],
    ['07:32:00.500', '07:32:00.5'],
    ['[1979-05-27T07:32:00.000123Z, 1.0, 1]', '[1979-05-27T07:32:00.000123Z, 1.0, 1]'],
    ['{ a = [1, "x\\ty"], "b c" = { d = false } }', '{ a = [1, "x\\ty"], "b c" = { d = false } }'],
    ['[]', '[]'],
    ['{}', '{}'],
  ])('%s becomes %s', (source, text) => {
    expect(flatten(`key = ${source}`)).toEqual([['key', text]])
  })

  it('gives the name when there is nothing', () => {
    expect(flatten('')).toEqual([['name', 'demo']])
  })

  it('orders keys by their UTF-8 bytes', () => {
    expect(flatten('"\u{1f600}" = 1\n"\uffee" = 2\na = 3\nZ = 4').map(([key]) => key)).toEqual([
      'Z',
      'a',
      '\uffee',
      '\u{1f600}',
    ])
  })

  it('keeps every integer, text and float of a table', () => {
    const text = fc.string({ unit: 'grapheme' })
    const value = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    )
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/), value, { minKeys: 1 }),
        (table) => {
          const toml = (item: unknown): string =>
            typeof item === 'string' ? quote(item) : typeof item === 'number' ? float(item) : String(item)
          const pairs = flatten(
            Object.entries(table)
              .map(([key, item]) => `${key} = ${toml(item)}`)
              .join('\n'),
          )
          expect(pairs.map(([key]) => key)).toEqual(Object.keys(table).sort(compareUtf8))
          for (const [key, shown] of pairs) {
            const item = table[key]
            if (typeof item === 'number') expect(Number(shown)).toBe(item)
            else expect(shown).toBe(String(item))
          }
        },
      ),
    )
  })

  it('writes lists that read back the same', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string({ unit: 'grapheme' }),
            fc.boolean(),
            fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          ),
        ),
        (items) => {
          const [pair] = flatten(
            `key = [${items.map((item) => (typeof item === 'string' ? quote(item) : String(item))).join(', ')}]`,
          )
          expect(parse(`key = ${pair?.[1]}`, { integersAsBigInt: true })['key']).toEqual(items)
        },
      ),
    )
  })
})

describe('plainFloat', () => {
  it('has no exponent and reads back the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = plainFloat(value)
        expect(text).toMatch(/^-?\d+(\.\d+)?$/)
        expect(Number(text)).toBe(value)
      }),
    )
  })
})

function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

function float(value: number): string {
  const text = Object.is(value, -0) ? '-0.0' : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}
