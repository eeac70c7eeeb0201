import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { urlScrubber } from './url-scrubber.ts'

const key = fc.stringMatching(/^[A-Za-z0-9_-]{21,64}$/)
const host = fc.constantFrom('localhost:8545', 'rpc.example.org', '127.0.0.1:9000', '[::1]:8546')

describe('spec nexum-host 18 row 20: urlScrubber', () => {
  it('hides in texts of others what the address keeps to itself, encoded or not', () => {
    const address =
      'https://me:pass%20word1@example.org/v3/0123456789abcdef01234567?key=qu%2Fery99&t=1#frag-ment'
    const scrub = urlScrubber(address)
    const basic = btoa('me:pass word1')
    const text = `${address} pass word1 qu/ery99 0123456789abcdef01234567 ${basic} frag-ment`
    const shown = scrub(text)
    for (const secret of [
      'pass word1',
      'pass%20word1',
      'qu/ery99',
      'qu%2Fery99',
      '0123456789ab',
      'frag-ment',
    ]) {
      expect(shown).not.toContain(secret)
    }
    expect(shown).not.toContain(basic.replace(/=+$/, ''))
    expect(shown).toContain('example.org/v3/')
    expect(urlScrubber('https://a:b@example.org')('at https://a:b@example.org: a bad b')).toBe(
      'at https://…example.org: a bad b',
    )
    expect(urlScrubber('nowhere')('nowhere')).toBe('nowhere')
    expect(urlScrubber('http://127.0.0.1:8545/')('127.0.0.1:8545 refuses')).toBe('127.0.0.1:8545 refuses')
  })

  it('lets no key through, whatever surrounds it', () => {
    fc.assert(
      fc.property(host, key, key, fc.string(), fc.string(), (h, user, value, before, after) => {
        const scrub = urlScrubber(`https://u:${user}@${h}/${value}?apikey=${value}`)
        const shown = scrub(`${before}${value}${after}${user}`)
        expect(shown).not.toContain(value)
        expect(shown).not.toContain(user)
      }),
    )
  })
})
