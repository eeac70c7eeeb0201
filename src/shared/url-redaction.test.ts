import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactUrl } from './url-redaction.ts'

const key = fc.stringMatching(/^[A-Za-z0-9_-]{21,64}$/)
const scheme = fc.constantFrom('http', 'https', 'ws', 'wss')
const host = fc.constantFrom('localhost:8545', 'rpc.example.org', '127.0.0.1:9000', '[::1]:8546')

describe('spec nexum-host 18 row 20: redactUrl', () => {
  it('keeps what tells endpoints apart', () => {
    expect(redactUrl('http://127.0.0.1:8545')).toBe('http://127.0.0.1:8545')
    expect(redactUrl('wss://node.example.org/ws/v3')).toBe('wss://node.example.org/ws/v3')
    expect(redactUrl('https://example.org/a.very.long.segment.with.dots')).toBe(
      'https://example.org/a.very.long.segment.with.dots',
    )
  })

  it('hides user-info, query, fragment and key-like segments', () => {
    expect(redactUrl('https://me:secret@example.org/v3/0123456789abcdef01234?key=1#x')).toBe(
      'https://example.org/v3/…',
    )
  })

  it('shows nothing of what is no address or of another scheme', () => {
    expect(redactUrl('mysecretkey')).toBe('(no address)')
    expect(redactUrl('data:secret')).toBe('data:…')
  })

  it('never lets a key through, wherever in the address it stands', () => {
    fc.assert(
      fc.property(scheme, host, key, key, key, key, (s, h, user, password, segment, value) => {
        const shown = redactUrl(`${s}://${user}:${password}@${h}/v2/${segment}/x?apikey=${value}#${value}`)
        for (const secret of [user, password, segment, value]) expect(shown).not.toContain(secret)
        expect(shown).toContain(h)
      }),
    )
  })

  it('is stable and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true })), (text) => {
        const once = redactUrl(text)
        if (/^(https?|wss?):/.test(once)) expect(redactUrl(once).includes('?')).toBe(false)
      }),
    )
  })
})
