import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HttpRule } from '../../../../shared/contracts/tool.ts'
import { Refusal, type FailureCode } from '../failures.ts'
import { checkAllowlist, matchesHost } from './allowlist.ts'
import { refuseGuestCredentials } from './guest-credentials.ts'
import { checkHeaders, checkMethod } from './method-and-headers.ts'
import { isBelow } from './path-prefix.ts'
import { checkBody, countedBytes, EgressSum } from './request-size.ts'
import { checkUrl } from './request-url.ts'

function refusal(work: () => unknown): FailureCode {
  try {
    work()
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  return expect.fail('it was not refused')
}

describe('spec tools 14 methods/headers', () => {
  it.each([
    ['get', 'GET'],
    [' Post ', 'POST'],
    ['HEAD', 'HEAD'],
  ])('takes %j for %s', (text, method) => {
    expect(checkMethod(text)).toBe(method)
  })

  it.each(['TRACE', 'CONNECT', 'OPTIONS', 'TRACK', '', 'GET /x', 'G\u0000ET', 'ＧＥＴ', 'x'.repeat(10_000)])(
    'refuses the method %j',
    (method) => {
      expect(refusal(() => checkMethod(method))).toBe('method_not_allowed')
    },
  )

  it.each([
    '{"a":"1\\r\\nHost: b"}', '{"a":"1\\n"}', '{"a":"\\u0000"}', '{"a":"\\u007f"}', '{"a":"\\t"}', '{"a":"\\u0085"}',
    '{"a":"\\u0100"}', '{"Host":"b"}', '{"CONTENT-LENGTH":"1"}', '{"accept-encoding":"gzip"}', '{"Connection":"x"}',
    '{"transfer-encoding":"chunked"}', '{"Upgrade":"h2c"}', '{"te":"trailers"}', '{"X-HTTP-Method-Override":"DELETE"}', '{"x-original-url":"/admin"}',
    '{"a b":"1"}', '{"":"1"}',
    '{"a\\r\\nb":"1"}', '{"a":1}', '{"a":["1"]}', '{"a":null}', '{"X-A":"1","x-a":"2"}', '[]', 'null', '"a"', '', '{',
  ])('refuses the headers %s', (json) => {
    expect(refusal(() => checkHeaders(json))).toBe('invalid_headers')
  }) // prettier-ignore

  it('takes 64 headers and 16 KiB, and no more', () => {
    const some = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, 'v'])))
    expect(checkHeaders(some(64))).toHaveLength(64)
    expect(refusal(() => checkHeaders(some(65)))).toBe('invalid_headers')
    const long = (bytes: number) => `{"x":"${'a'.repeat(bytes - 8)}"}`
    expect(checkHeaders(long(16_384))).toHaveLength(1)
    expect(refusal(() => checkHeaders(long(16_385)))).toBe('invalid_headers')
    expect(checkHeaders('{"__proto__":"1"}')).toEqual([['__proto__', '1']])
  })

  const url = (query: string): URL => new URL(`https://a.test/x?${query}`)

  it.each([
    'Authorization', 'proxy-authorization', 'Cookie', 'X-Api-Key', 'api-key', 'X-My-Token', 'x-csrf-token',
    'my-SECRET', 'x-credential-id', 'X-Password-Hash', 'x-authority',
  ])('refuses the header %s', (name) => {
    expect(refusal(() => refuseGuestCredentials([[name, 'v']], url('')))).toBe('manual_credentials_denied')
  }) // prettier-ignore

  it.each([
    'Bearer abc',
    '  bearer abc',
    'BASIC abc',
    'Token x',
    'digest a',
    'AWS4-HMAC-SHA256 Credential',
    'hoba x',
    'mutual x',
  ])('refuses the value %j under a harmless name', (value) => {
    expect(refusal(() => refuseGuestCredentials([['x-note', value]], url('')))).toBe(
      'manual_credentials_denied',
    )
  })

  it.each([
    'api_key=1', 'API_KEY=1', 'apikey=1', 'api-key=1', 'key=1', 'sig=1', 'signature=1', 'client_id=1', 'app_key=1',
    'my_token=1', 'x-auth=1', 'passwordHint=1', 'a=1&access%5Ftoken=1', 'pagetoken=1', 'token',
  ])('refuses the query %s', (query) => {
    expect(refusal(() => refuseGuestCredentials([], url(query)))).toBe('manual_credentials_denied')
  }) // prettier-ignore

  it.each([
    'pageToken', 'page_token', 'nextPageToken', 'next_page_token', 'continuationToken', 'continuation_token', 'syncToken',
    'q', 'keys', 'page',
  ])('lets the query name %s pass', (name) => {
    expect(() => refuseGuestCredentials([['accept', 'x'], ['x-page', 'bearerish']], url(`${name}=1`))).not.toThrow()
  }) // prettier-ignore
})

describe('spec tools 4 step 5: URLs', () => {
  it.each([
    'ftp://a.test/', 'file:///etc/passwd', '/x', 'a.test', '', 'https://', 'https://u:p@a.test/', 'https://u@a.test/',
    'https://a.test/\n', 'https://a\t.test/', 'https://a.test/\u0000', 'javascript:1', `https://a.test/${'a'.repeat(8_192)}`,
    `https://a.test/${'é'.repeat(4_100)}`,
  ])('refuses %j', (text) => {
    expect(refusal(() => checkUrl(text))).toBe('invalid_url')
  }) // prettier-ignore

  it('takes the brackets of an address off and the fragment away', () => {
    const target = checkUrl('https://[::1]:8443/x?y#z')
    expect(target).toMatchObject({ host: '::1', port: 8_443, scheme: 'https' })
    expect(target.url.href).toBe('https://[::1]:8443/x?y')
    expect(checkUrl('https://A.TEST').host).toBe('a.test')
    expect(checkUrl('https://allowed.test\\@evil.test/').host).toBe('allowed.test')
  })
})

describe('spec tools 14 allowlist', () => {
  const rule: HttpRule = {
    scheme: 'https',
    host: 'api.github.com',
    port: 443,
    pathPrefix: '/v1',
    methods: ['GET', 'PUT'],
  }
  const allows = (url: string, changes: Partial<HttpRule> = {}, method: 'GET' | 'POST' = 'GET') => {
    try {
      checkAllowlist([{ ...rule, ...changes }], method, checkUrl(url))
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'policy_denied', step: 'allowlist' })
      return false
    }
  }

  it.each([
    ['https://api.github.com/v1', true], ['https://api.github.com/v1/', true], ['https://api.github.com/v1/a?b', true],
    ['https://api.github.com/v1/items/a%2Fb', true], ['https://api.github.com/v1/a%252Fb', true],
    ['https://api.github.com/v1/x/../y', true],
    ['https://api.github.com/v1x', false], ['https://api.github.com/', false], ['https://api.github.com/V1', false],
    ['https://api.github.com:8443/v1', false], ['http://api.github.com:443/v1', false],
    ['https://api.github.com./v1', false], ['https://github.com/v1', false], ['https://api.github.com.evil.test/v1', false],
    ['https://api.github.com/v1/../x', false], ['https://api.github.com/v1/%2e%2e/x', false],
    ['https://api.github.com/v1/%2e%2e%2fx', false], ['https://api.github.com/v1/%252e%252e%252fx', false],
    ['https://api.github.com/v1/..%5cx', false], ['https://api.github.com/v1/%25252e%25252e%25252fx', false],
    ['https://api.github.com/v1/%2f../x', false], ['https://api.github.com/v1/%2f%2e%2e/x', false],
    ['https://api.github.com/v1/a%2f%2f..%2f..%2fx', false], ['https://api.github.com/v1/%5c..%5cx', false],
    ['https://api.github.com/v1/..;/x', false], ['https://api.github.com/v1/a/..;b=c/..;/x', false],
    ['https://api.github.com/v1/%2e%2e;/x', false], ['https://api.github.com/v1/..%00/x', false],
    ['https://api.github.com/v1//a', true], ['https://api.github.com/v1/a;b=c/d', true],
    ['https://api.github.com/v1%2Fx', false], ['https://api.github.com/v1/a%2525252525252Fb', false],
  ])('%s: %s', (url, expected) => {
    expect(allows(url)).toBe(expected)
  }) // prettier-ignore

  it('wants the method of the rule, and a rule at all', () => {
    expect(allows('https://api.github.com/v1', {}, 'POST')).toBe(false)
    expect(refusal(() => checkAllowlist([], 'GET', checkUrl('https://a.test/')))).toBe('policy_denied')
  })

  it.each([
    ['*.a.b', 'x.a.b', true], ['*.a.b', 'a.b', false], ['*.a.b', 'x.y.a.b', false], ['*.a.b', '.a.b', false],
    ['*.a.b', 'xa.b', false], ['*.', 'x.', false], ['[::1]', '::1', true], ['::1', '::1', true],
  ])('host %s and %s: %s', (pattern, host, expected) => {
    expect(matchesHost(pattern, host)).toBe(expected)
  }) // prettier-ignore

  it('lets nothing leave a prefix however dots and separators are encoded', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '\\',
      '%252e',
      '%252f',
      'a',
      'v1',
      '%25',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const { pathname } = new URL(`https://h/v1/${pieces.join('')}`)
        if (!isBelow(pathname, '/v1')) return
        // Whatever a server decodes, and however often, stays below.
        let decoded = pathname
        for (let round = 0; round < 6; round++) {
          decoded = decoded.replace(/%(2e|2f|5c|25)/gi, (each) => decodeURIComponent(each))
          const { pathname: seen } = new URL(
            `https://h${decoded.replaceAll('%2e', '.').replaceAll('\\', '/')}`,
          )
          expect(seen === '/v1' || seen.startsWith('/v1/'), `${pathname} as ${seen}`).toBe(true)
        }
      }),
    )
  })
})

describe('spec tools 14 caps: the request', () => {
  it('takes a body at the limit and refuses one byte more', () => {
    expect(() => checkBody(10, 10)).not.toThrow()
    expect(refusal(() => checkBody(11, 10))).toBe('request_too_large')
  })

  it('counts method, URL, headers, framing and body against the sum', () => {
    const size = countedBytes({ method: 'GET', url: 'https://a/é', headers: [['a', 'bc']], bodyBytes: 5 })
    expect(size).toBe('GET https://a/xx HTTP/1.1\r\na: bc\r\n\r\n12345'.length)
    const sum = new EgressSum(size)
    const held = sum.hold(size)
    expect(refusal(() => sum.hold(1))).toBe('request_too_large')
    expect(refusal(() => held.change(size + 1))).toBe('request_too_large')
    held.giveBack()
    expect(() => sum.hold(size)).not.toThrow()
    expect(() => new EgressSum(null).hold(1e12)).not.toThrow()
  })
})
