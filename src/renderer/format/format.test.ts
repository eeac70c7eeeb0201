import { describe, expect, it } from 'vitest'
import { hexDump, viewValue } from './bytes-view.ts'
import { baseName, hashLines, shortHash, shortPath } from './identity.ts'
import { bytes, count, duration, fuel, groupDigits, measureText, percent, rate } from './numbers.ts'
import { age, ago, span, until, utcFull, utcStamp, utcTime } from './time.ts'

const time = Date.UTC(2026, 6, 14, 9, 41, 26, 918)

describe('numbers', () => {
  it('groups digits in threes with a narrow no-break space', () => {
    expect(groupDigits(25_531_882)).toBe('25\u202f531\u202f882')
    expect(groupDigits(999)).toBe('999')
    expect(groupDigits(-1_000)).toBe('−1\u202f000')
  })
  it('never shows NaN', () => {
    expect(groupDigits(Number.NaN)).toBe('–')
    expect(percent(Number.NaN).value).toBe('–')
  })
  it.each([
    [0, '0\u202fB'],
    [1_023, '1\u202f023\u202fB'],
    [47_815_065, '45.6\u202fMiB'],
    [64 * 1_024 * 1_024, '64\u202fMiB'],
    [248_512_512, '237\u202fMiB'],
    [1_277_752_770, '1.2\u202fGiB'],
  ])('writes %d bytes as %s', (value, text) => {
    expect(measureText(bytes(value))).toBe(text)
  })
  it.each([
    [0, '0\u202fms'],
    [0.006, '6\u202fµs'],
    [0.84, '0.8\u202fms'],
    [38.2, '38.2\u202fms'],
    [99.97, '100\u202fms'],
    [840, '840\u202fms'],
    [4_210, '4.21\u202fs'],
    [30_000, '30\u202fs'],
    [180_000, '3\u202fmin'],
  ])('writes %d ms as %s', (value, text) => {
    expect(measureText(duration(value))).toBe(text)
  })
  it('writes fuel, rates and shares with at most three significant digits', () => {
    expect(measureText(fuel(41_200_000))).toBe('41.2\u202fM')
    expect(measureText(fuel(812))).toBe('812')
    expect(measureText(rate(537.4))).toBe('537\u202f/s')
    expect(measureText(rate(0.01))).toBe('<\u202f0.1\u202f/s')
    expect(measureText(percent(0.914))).toBe('91\u202f%')
    expect(measureText(percent(0.002))).toBe('<\u202f1\u202f%')
    expect(measureText(percent(0))).toBe('0\u202f%')
  })
  it('does not round a share up to a limit that is not reached', () => {
    expect(percent(0.9999).value).toBe('99')
  })
  it('counts', () => {
    expect(count(1, 'module')).toBe('1 module')
    expect(count(2, 'module')).toBe('2 modules')
    expect(count(2, 'entry', 'entries')).toBe('2 entries')
  })
})

describe('times', () => {
  it('is UTC with milliseconds', () => {
    expect(utcTime(time)).toBe('09:41:26.918')
    expect(utcFull(time)).toBe('2026-07-14 09:41:26.918 UTC')
  })
  it('leads with the date once older than today', () => {
    expect(utcStamp(time, time + 1_000)).toBe('09:41:26')
    expect(utcStamp(time, time + 86_400_000)).toBe('2026-07-14 09:41:26')
  })
  it('rounds ages down', () => {
    expect(age(59_999)).toBe('59 s')
    expect(age(3_599_999)).toBe('59 min')
    expect(age(86_399_999)).toBe('23 h')
    expect(age(-5)).toBe('0 s')
    expect(ago(time, time + 500)).toBe('now')
    expect(ago(time, time + 360_000)).toBe('6 min ago')
  })
  it('spans two units', () => {
    expect(span(628_000)).toBe('10 min 28 s')
    expect(span(6 * 86_400_000 + 4 * 3_600_000)).toBe('6 d 04 h')
  })
  it('never says 0 s before something is due', () => {
    expect(until(time + 10, time)).toBe('in 1 s')
    expect(until(time, time)).toBe('now')
  })
})

describe('identities', () => {
  const hash = '4be197d052ac38f6e07b1d94c2a56f1388d40be971f2a35c16907ecd4f28b7a1'
  it('keeps both ends of a hash', () => {
    expect(shortHash(hash)).toBe('4be197d0…28b7a1')
    expect(shortHash('0x12')).toBe('0x12')
  })
  it('sets a hash in groups of four', () => {
    expect(hashLines(hash)).toEqual([
      '4be1 97d0 52ac 38f6',
      'e07b 1d94 c2a5 6f13',
      '88d4 0be9 71f2 a35c',
      '1690 7ecd 4f28 b7a1',
    ])
  })
  it('names the last part of a path', () => {
    expect(baseName('/home/ops/modules/block-logger/')).toBe('block-logger')
    expect(baseName('C:\\modules\\a.wasm')).toBe('a.wasm')
  })
  it('shortens a path in its middle to the length asked for', () => {
    const path = `/${'a'.repeat(80)}/module.wasm`
    expect(shortPath(path, 40)).toHaveLength(40)
    expect(shortPath(path, 40).endsWith('module.wasm')).toBe(true)
  })
})

describe('store values', () => {
  const bytesOf = (text: string) => new TextEncoder().encode(text)
  it('prefers JSON, then text, then hexadecimal', () => {
    expect(viewValue(bytesOf('{"a":1}')).forms).toEqual(['json', 'text', 'hex'])
    expect(viewValue(bytesOf('{"a":1}')).json).toBe('{\n  "a": 1\n}')
    expect(viewValue(bytesOf('12')).best).toBe('text')
    expect(viewValue(new Uint8Array([0, 0, 0, 7])).best).toBe('hex')
    expect(viewValue(new Uint8Array([0xff, 0xfe])).text).toBeNull()
    expect(viewValue(new Uint8Array()).forms).toEqual(['hex'])
  })
  it('dumps 16 bytes a line with their text beside', () => {
    const dump = hexDump(bytesOf('abcdefghijklmnop\n'))
    expect(dump.split('\n')).toEqual([
      '000000  61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70  abcdefghijklmnop',
      `000010  0a${' '.repeat(45)}  ·`,
    ])
  })
})
