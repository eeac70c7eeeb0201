import { describe, expect, it } from 'vitest'
import type { HttpRule, Injection } from '../../../../shared/contracts/tool.ts'
import type { HeaderPair } from '../../../egress/types.ts'
import { checkUrl } from '../request/request-url.ts'
import { injectCredentials } from './inject.ts'

const rule: HttpRule = { scheme: 'https', host: 'a.test', port: 443, pathPrefix: '/', methods: ['GET'] }

function inject(
  injection: Injection,
  value: string,
  options: { url?: string; headers?: HeaderPair[]; rule?: Partial<HttpRule> } = {},
) {
  const { url = 'https://a.test/x?y=%20z', headers = [] } = options
  const credential = { secret: 'key', inject: injection, hosts: ['a.test'], pathPrefixes: [], required: true }
  return injectCredentials(checkUrl(url), { ...rule, ...options.rule }, headers, [
    { rule: credential, value: Buffer.from(value) },
  ])
}

const failing = (code: string) => expect.objectContaining({ step: 'injection', code }) as Error
const path = (placeholder = 'TOKEN'): Injection => ({ type: 'path', placeholder })

describe('spec tools 14 injection: where the value goes', () => {
  it('bearer, header, basic', () => {
    expect(inject({ type: 'bearer' }, 's3cret').headers).toEqual([['authorization', 'Bearer s3cret']])
    expect(inject({ type: 'header', name: 'X-Key', prefix: 'k ' }, 's3cret').headers).toEqual([
      ['x-key', 'k s3cret'],
    ])
    expect(inject({ type: 'basic', username: 'me' }, 'pä:ss'.replace('ä', 'a')).headers).toEqual([
      ['authorization', `Basic ${Buffer.from('me:pa:ss').toString('base64')}`],
    ])
  })

  it('query: appended, with the rest of the query as the guest wrote it', () => {
    expect(inject({ type: 'query', name: 'k&y' }, 'a&b=c d').url.search).toBe('?y=%20z&k%26y=a%26b%3Dc%20d')
    expect(inject({ type: 'query', name: 'k' }, 'secret', { url: 'https://a.test/x?' }).url.search).toBe(
      '?k=secret',
    )
  })

  it('path: a whole segment, or in braces within one', () => {
    expect(inject(path(), 'ab-._~9', { url: 'https://a.test/v1/TOKEN/send' }).url.pathname).toBe(
      '/v1/ab-._~9/send',
    )
    expect(inject(path('t'), '12:ab', { url: 'https://a.test/bot{t}/send' }).url.pathname).toBe(
      '/bot12:ab/send',
    )
    expect(inject(path('t'), '12:ab', { url: 'https://a.test/bot%7Bt%7D/send' }).url.pathname).toBe(
      '/bot12:ab/send',
    )
  })

  it('leaves the vetted target as it is', () => {
    const target = checkUrl('https://a.test/x')
    const credential = { secret: 'k', inject: { type: 'query', name: 'k' } as const, hosts: ['a.test'], pathPrefixes: [], required: true }
    injectCredentials(target, rule, [], [{ rule: credential, value: Buffer.from('secret') }])
    expect(target.url.href).toBe('https://a.test/x')
  }) // prettier-ignore
})

describe('spec tools 14 injection: what fails before send', () => {
  it.each(['a\r\nb: c', 'abcdef\n', 'abc\u0000def', 'abc\u007fdef', 'abcdéf'])('a value with %j in a header', (value) => {
    for (const each of [{ type: 'bearer' }, { type: 'header', name: 'x', prefix: '' }, { type: 'basic', username: 'u' }] as const) {
      expect(() => inject(each, value)).toThrow(failing('credential_unavailable'))
    }
  }) // prettier-ignore

  it('a header or a query name that is there already, in any case', () => {
    const header = { type: 'header', name: 'X-Key', prefix: '' } as const
    expect(() => inject(header, 'secret', { headers: [['x-kEY', '1']] })).toThrow(
      failing('manual_credentials_denied'),
    )
    expect(() => inject({ type: 'query', name: 'y' }, 'secret')).toThrow(failing('manual_credentials_denied'))
  })

  it('a user name with a colon, a prefix with a control character', () => {
    expect(() => inject({ type: 'basic', username: 'a:b' }, 'secret')).toThrow(failing('policy_denied'))
    expect(() => inject({ type: 'header', name: 'x', prefix: 'a\n' }, 'secret')).toThrow(
      failing('policy_denied'),
    )
  })

  it.each([
    'https://a.test/x',
    'https://a.test/TOKEN/TOKEN',
    'https://a.test/TOKEN/{TOKEN}',
    'https://a.test/xTOKEN',
  ])('a path that has the place not exactly once: %s', (url) => {
    expect(() => inject(path(), 'secret', { url })).toThrow(failing('invalid_url'))
  })

  it.each([
    ['https://a.test/TOKEN', 'a:bcdef'],
    ['https://a.test/TOKEN', '../../x'],
    ['https://a.test/TOKEN', 'a%2fbcd'],
    ['https://a.test/{TOKEN}', 'a/bcdef'],
    ['https://a.test/{TOKEN}', 'a?bcdef'],
    ['https://a.test/TOKEN', '..'],
  ])('%s with the value %s', (url, value) => {
    expect(() => inject(path(), value, { url })).toThrow(failing('credential_unavailable'))
  })

  it('a value that is no text', () => {
    const credential = {
      secret: 'key',
      inject: { type: 'query', name: 'k' },
      hosts: ['a.test'],
      pathPrefixes: [],
      required: true,
    } as const
    const staged = [
      {
        rule: { ...credential, hosts: ['a.test'], pathPrefixes: [] },
        value: Buffer.from([255, 254, 65, 66, 67, 68]),
      },
    ]
    expect(() => injectCredentials(checkUrl('https://a.test/'), rule, [], staged)).toThrow(
      failing('credential_unavailable'),
    )
  })

  it('plain http, but for a loopback host that is declared literally', () => {
    const http = { scheme: 'http', port: 80 } as const
    const bearer = { type: 'bearer' } as const
    expect(() => inject(bearer, 'secret', { url: 'http://a.test/', rule: http })).toThrow(
      failing('policy_denied'),
    )
    expect(() =>
      inject(bearer, 'secret', { url: 'http://10.0.0.1/', rule: { ...http, host: '10.0.0.1' } }),
    ).toThrow(failing('policy_denied'))
    expect(() =>
      inject(bearer, 'secret', { url: 'http://x.localhost/', rule: { ...http, host: '*.localhost' } }),
    ).toThrow(failing('policy_denied'))
    for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
      const { headers } = inject(bearer, 'secret', { url: `http://${host}/`, rule: { ...http, host } })
      expect(headers, host).toHaveLength(1)
    }
  })
})
