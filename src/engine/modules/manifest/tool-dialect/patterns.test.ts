import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostPattern, literalHost, matchesHost, pathPrefix, workspacePattern } from './patterns.ts'

describe('spec tools 2: patterns of hosts, paths and folders', () => {
  test.each([
    ['a.b', 'a.b', true],
    ['*.a.b', 'x.a.b', true],
    ['*.a.b', 'a.b', false],
    ['*.a.b', 'x.y.a.b', false],
    ['*.a.b', '.a.b', false],
    ['*.a.b', 'xa.b', false],
    ['a.b', 'x.a.b', false],
  ])('%s and %s: %s', (pattern, host, matches) => {
    expect(matchesHost(pattern, host)).toBe(matches)
  })

  test('a host is taken as URLs spell it', () => {
    expect(['EXAMPLE.com', '0x7f.1', '[::1]', 'bücher.example'].map(literalHost)).toEqual([
      'example.com',
      '127.0.0.1',
      '[::1]',
      'xn--bcher-kva.example',
    ])
    expect(['', ' ', 'a b', 'a.', '.a', 'a..b', '[::1', '::1', 'a/b', '*'].map(literalHost)).toEqual(
      Array(10).fill(null),
    )
    expect(['*.1.2.3', '*.[::1]', '*.*.a', '*.'].map(hostPattern)).toEqual(Array(4).fill(null))
  })

  test('whatever is accepted is harmless where it is compared', () => {
    const noise = fc.string({
      unit: fc.constantFrom('a', '.', '/', '%', '*', '@', ':', '\\', '\0', '?', '-', 'é'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(noise, (text) => {
        const host = hostPattern(text)
        if (host !== null) expect(host).toMatch(/^(\*\.)?[a-z0-9.-]+$/)
        const prefix = pathPrefix(text)
        if (prefix !== null) expect(new URL(prefix, 'https://x').pathname).toBe(prefix)
        const folder = workspacePattern(text)
        if (folder !== null) expect(folder).not.toMatch(/^\/|\\|(^|\/)\.\.?(\/|$)|\/\/|\0|:/)
      }),
      { numRuns: 2_000 },
    )
  })
})
