import { describe, expect, it } from 'vitest'
import { matchesAnyHost, matchesHost } from './host-patterns.ts'
import { parseTarget } from './target.ts'

describe('spec nexum-host 18 row 51: URLs', () => {
  it.each([
    ['http://allowed.com@evil.com/', 'evil.com'],
    ['http://evil.com?@allowed.com/', 'evil.com'],
    ['http://evil.com#@allowed.com/', 'evil.com'],
    ['http://evil.com\\@allowed.com/', 'evil.com'],
    ['HTTPS://API.COW.FI:8443/x', 'api.cow.fi'],
    ['http://user:pass@api.cow.fi/', 'api.cow.fi'],
    ['http://bücher.example/', 'xn--bcher-kva.example'],
    ['http://[0:0::1]:80/', '[::1]'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://api.cow.fi./', 'api.cow.fi.'],
    ['http:\\\\evil.com\\x', 'evil.com'],
    ['http:evil.com', 'evil.com'],
    ['\thttp://evil.com\n', 'evil.com'],
  ])('reads the host of %j as %s', (text, host) => {
    expect(parseTarget(text).hostname).toBe(host)
  })

  it.each([
    'ftp://a.com/',
    'file:///etc/passwd',
    '/x',
    'a.com',
    '',
    'data:,x',
    'javascript:1',
    'http://',
    '//a.com',
  ])('refuses %j', (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ kind: 'invalid-url' }))
  })

  it('does not take an escaped @ for user-info', () => {
    expect(() => parseTarget('http://allowed.com%40evil.com/')).toThrow()
  })

  it('drops user-info and fragment', () => {
    expect(parseTarget('http://u:p@a.com/x?y#z').href).toBe('http://a.com/x?y')
  })
})

describe('spec nexum-host 18 row 51: patterns', () => {
  it.each([
    ['discord.com', 'discord.com', true],
    ['Discord.COM', 'discord.com', true],
    ['discord.com', 'notdiscord.com', false],
    ['discord.com', 'a.discord.com', false],
    ['*.discord.com', 'a.discord.com', true],
    ['*.discord.com', 'a.b.c.discord.com', true],
    ['*.discord.com', 'discord.com', false],
    ['*.discord.com', 'notdiscord.com', false],
    ['*.discord.com', '.discord.com', false],
    ['*.discord.com', 'a.discord.com.', false],
    ['api.cow.fi', 'api.cow.fi.', false],
    ['api.cow.fi.', 'api.cow.fi.', true],
    ['api.cow.fi:443', 'api.cow.fi', false],
    ['https://api.cow.fi', 'api.cow.fi', false],
    ['api.cow.fi/x', 'api.cow.fi', false],
    ['*', 'a.com', false],
    ['*.', 'a.', false],
    ['a.*.com', 'a.b.com', false],
    ['*.*.com', 'a.b.com', false],
    ['a*.com', 'ab.com', false],
    ['', '', false],
    ['[::1]', '[::1]', true],
    ['::1', '[::1]', false],
    ['127.0.0.1', '127.0.0.1', true],
    ['*.0.0.1', '127.0.0.1', false],
    ['bücher.example', 'xn--bcher-kva.example', true],
    ['*.bücher.example', 'www.xn--bcher-kva.example', true],
  ])('%s and %s: %s', (pattern, host, expected) => {
    expect(matchesHost(pattern, host)).toBe(expected)
  })

  it('denies everything without patterns', () => {
    expect(matchesAnyHost([], 'a.com')).toBe(false)
  })
})
