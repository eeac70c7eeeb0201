import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Injection } from '../../../../shared/contracts/tool.ts'
import { joinOverlapping, replaceSpans } from '../matches.ts'
import type { ExactSecret } from '../types.ts'
import { ExactScanner } from './exact-scan.ts'

function secret(value: string | Uint8Array, ...injections: Injection[]): ExactSecret {
  const bytes = Buffer.from(value as string)
  const shared = Buffer.from(new SharedArrayBuffer(bytes.length))
  bytes.copy(shared)
  return { name: 'token', value: shared, injections }
}

function redacted(scanner: ExactScanner, text: string | Uint8Array): string {
  const bytes = Buffer.from(text as string)
  return replaceSpans(bytes, joinOverlapping(scanner.find(bytes))).toString('latin1')
}

const percent = (text: string, spell: (hex: string) => string = (hex) => hex): string =>
  [...Buffer.from(text)].map((byte) => `%${spell(byte.toString(16).padStart(2, '0'))}`).join('')
const escaped = (text: string): string =>
  [...Array(text.length).keys()]
    .map((index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('')

/** Every form of spec tools 6 by its name. */
const forms: Record<string, (value: string) => string> = {
  raw: (value) => value,
  'percent-encoded': (value) => encodeURIComponent(value),
  'percent-encoded in lower case': (value) =>
    encodeURIComponent(value).replace(/%../g, (escape) => escape.toLowerCase()),
  'as in a form': (value) => encodeURIComponent(value).replaceAll('%20', '+'),
  'all of it percent-encoded, upper case': (value) => percent(value, (digits) => digits.toUpperCase()),
  'all of it percent-encoded, lower case': (value) => percent(value),
  'escaped as in JSON': (value) => JSON.stringify(value),
  'escaped as in JSON, slashes too': (value) => JSON.stringify(value).replaceAll('/', '\\/'),
  'all of it escaped': escaped,
  'all of it escaped in upper case': (value) =>
    escaped(value).replace(/[a-f]/g, (digit) => digit.toUpperCase()),
  base64: (value) => Buffer.from(value).toString('base64'),
  base64url: (value) => Buffer.from(value).toString('base64url'),
  'base64, one byte behind': (value) => Buffer.from(`x${value}`).toString('base64'),
  'base64, two bytes behind': (value) => Buffer.from(`xy${value}`).toString('base64url'),
  'base64 in the middle of much more': (value) =>
    Buffer.from(`much${value}more`.repeat(2)).toString('base64'),
  'base64, percent-encoded': (value) => encodeURIComponent(Buffer.from(value).toString('base64')),
  'base64 in lines': (value) =>
    Buffer.from(value)
      .toString('base64')
      .replace(/(.{4})/g, '$1\r\n'),
  'basic pair': (value) => `user:${value}`,
  'basic value': (value) => `Basic ${Buffer.from(`user:${value}`).toString('base64')}`,
  'bearer value': (value) => `Bearer ${value}`,
  'header value': (value) => `Token token=${value}`,
}

const injections: Injection[] = [
  { type: 'basic', username: 'user' },
  { type: 'bearer' },
  { type: 'header', name: 'x', prefix: 'Token token=' },
]

/** Values as they are in practice and in the worst case: with everything that encodings change. */
const values = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{6,60}$/),
  fc
    .array(
      fc.constantFrom('a', 'B', '7', ' ', '+', '/', '=', '%', '"', '\\', '\n', 'é', '€', '🙂', '&', '.'),
      {
        minLength: 6,
        maxLength: 40,
      },
    )
    .map((letters) => letters.join('')),
)

/** Whether any part that could give the value away is left: all of it, or most of it. */
function holds(text: string, value: string): boolean {
  const part = value.slice(0, Math.max(6, Math.ceil(value.length / 2)))
  return text.includes(Buffer.from(part).toString('latin1'))
}

describe('own values in every form of spec tools 6', () => {
  it.each(Object.entries(forms))('%s: no value survives, whatever surrounds it', (_name, write) => {
    const around = fc.stringMatching(/^[ ,:;"'<>{}()[\]|!?*#@]{0,12}$/)
    fc.assert(
      fc.property(values, around, around, (value, before, after) => {
        const scanner = new ExactScanner([secret(value, ...injections)])
        const form = write(value)
        const clean = redacted(scanner, `${before}${form}${after}`)
        expect(clean).toContain('[REDACTED]')
        expect(clean.includes(Buffer.from(form).toString('latin1'))).toBe(false)
        expect(holds(clean.replaceAll('[REDACTED]', ''), value)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('exactly what holds bits of the value is replaced', () => {
    const scanner = new ExactScanner([secret('s3cr3t-V4lue+', ...injections)])
    const exceptions: Record<string, string> = {
      'escaped as in JSON': '<"[REDACTED]">',
      'escaped as in JSON, slashes too': '<"[REDACTED]">',
      'base64, one byte behind': '<e[REDACTED]>',
      'base64, two bytes behind': '<eH[REDACTED]>',
      'base64 in the middle of much more': '<bXVja[REDACTED]tb3JlbXVja[REDACTED]tb3Jl>',
      'base64, percent-encoded': '<[REDACTED]%3D%3D>',
      'base64 in lines': '<[REDACTED]\r\n>',
    }
    for (const [name, write] of Object.entries(forms)) {
      const clean = redacted(scanner, `<${write('s3cr3t-V4lue+')}>`)
      expect([name, clean]).toEqual([name, exceptions[name] ?? '<[REDACTED]>'])
    }
  })

  it('a value that is no UTF-8, and one whose letters a header carries as single bytes', () => {
    const bytes = Buffer.from([0xff, 0xc3, 0x28, 0x80, 0xfe, 0x01, 0x99])
    expect(redacted(new ExactScanner([secret(bytes)]), Buffer.concat([Buffer.from('a'), bytes]))).toBe(
      'a[REDACTED]',
    )
    expect(redacted(new ExactScanner([secret('pässwörd')]), Buffer.from('x pässwörd x', 'latin1'))).toBe(
      'x [REDACTED] x',
    )
  })

  it('the longest form wins, and overlapping matches give one marker', () => {
    const scanner = new ExactScanner([secret('abcdefgh', ...injections), secret('efghijkl')])
    expect(redacted(scanner, 'Authorization: Bearer abcdefgh.')).toBe('Authorization: [REDACTED].')
    expect(redacted(scanner, '-abcdefghijkl-')).toBe('-[REDACTED]-')
    expect(redacted(scanner, 'abcdefgh efghijkl')).toBe('[REDACTED] [REDACTED]')
  })

  it('only matching bytes are replaced', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, after) => {
        const value = '~~#secret#~~'
        const scanner = new ExactScanner([secret(value)])
        const bytes = Buffer.concat([before, Buffer.from(value), after])
        const latin1 = (each: Uint8Array): string => Buffer.from(each).toString('latin1')
        expect(redacted(scanner, bytes)).toBe(`${latin1(before)}[REDACTED]${latin1(after)}`)
      }),
    )
  })

  it('finds the same wherever the parts of the work begin', () => {
    const scanner = new ExactScanner([secret('s3cr3t-V4lue', ...injections)])
    for (const form of Object.values(forms)) {
      const text = form('s3cr3t-V4lue')
      for (let shift = 0; shift < text.length; shift += 3) {
        // The work is divided after each 65,536 bytes.
        const bytes = Buffer.from(`${'.'.repeat(65_536 - shift)}${text}.`)
        expect(scanner.find(bytes)).not.toEqual([])
      }
    }
  })

  it('half a value at the end of a text that was cut, and no half elsewhere', () => {
    const scanner = new ExactScanner([secret('s3cr3t-V4lue')])
    const cut = Buffer.from('token s3cr3t-')
    expect(scanner.find(cut)).toEqual([])
    expect(scanner.find(cut, 0, cut.length, true)).toEqual([{ start: 6, end: 13 }])
    const whole = Buffer.from('s3cr3t- and more')
    expect(scanner.find(whole, 0, whole.length, true)).toEqual([])
  })

  it('a value that was overwritten is looked for no more', () => {
    const leased = secret('s3cr3t-V4lue')
    const scanner = new ExactScanner([leased])
    scanner.overwrite()
    expect(scanner.find(Buffer.from('s3cr3t-V4lue'))).toEqual([])
    leased.value.fill(0)
    expect(new ExactScanner([leased]).isEmpty).toBe(true)
  })

  it('spec tools 14 row linear scan: a text that repeats the beginning of a value costs a few steps a byte', () => {
    const value = `${'ab'.repeat(4_000)}c`
    let steps = 0
    const counted = secret(value)
    const scanner = new ExactScanner([counted])
    for (const unit of ['ab', 'a', '%61', '%', '\\u0061', '\\', 'YWJh', '+']) {
      const bytes = Buffer.from(unit.repeat(Math.ceil(1_000_000 / unit.length)))
      // One pause for each 64 KiB of each way of reading the text; there are at most three.
      for (const _pause of { [Symbol.iterator]: () => scanner.search(bytes) }) steps += 1
      expect(steps).toBeLessThanOrEqual(3 * Math.ceil(bytes.length / 65_536) + 3)
      steps = 0
    }
  })
})
