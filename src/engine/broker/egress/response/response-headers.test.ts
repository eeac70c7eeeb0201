import { describe, expect, it } from 'vitest'
import { headersJson, visibleHeaders } from './response-headers.ts'

describe('spec tools 4 step 15: headers of an answer', () => {
  it.each([
    'set-cookie', 'Set-Cookie2', 'www-authenticate', 'proxy-authenticate', 'authorization', 'x-api-key', 'x-csrf-token',
    'x-goog-secret', 'my-credential', 'x-password', 'x-apikey-id', 'x-api_key', 'x-request-cookie',
  ])('drops %s', (name) => {
    expect(visibleHeaders([[name, 'v']])).toEqual([])
  }) // prettier-ignore

  it('joins repeats of any case, drops what is not ASCII, and makes JSON of strings', () => {
    const headers = visibleHeaders([['Link', 'a'], ['X-Two', 'ü'], ['LINK', 'b'], ['__proto__', 'c']]) // prettier-ignore
    expect(headersJson(headers)).toBe('{"link":"a, b","__proto__":"c"}')
  })

  it('keeps at most 128 headers and 64 KiB', () => {
    const many = Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'v'] as const)
    expect(visibleHeaders(many)).toHaveLength(128)
    const long = Array.from({ length: 100 }, (_, at) => [`x-${at}`, 'v'.repeat(1_000)] as const)
    const kept = visibleHeaders(long)
    expect(kept.reduce((sum, [name, value]) => sum + name.length + value.length, 0)).toBeLessThanOrEqual(
      65_536,
    )
    expect(kept.length).toBeGreaterThan(60)
  })
})
