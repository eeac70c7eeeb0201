import { describe, expect, it } from 'vitest'
import { EgressError, type EgressErrorKind } from '../egress/egress-error.ts'
import { egressFailure, kindOfStatus } from './egress-failure.ts'

describe('spec nexum-host 18 row 26: errors by spec 7.2', () => {
  it.each<[EgressErrorKind, string]>([
    ['connect', 'unavailable'],
    ['dns', 'unavailable'],
    ['tls', 'unavailable'],
    ['closed', 'unavailable'],
    ['malformed', 'unavailable'],
    ['timeout', 'timeout'],
    ['cancelled', 'timeout'],
    ['forbidden-address', 'denied'],
    ['invalid-url', 'invalid-input'],
    ['too-large', 'invalid-input'],
  ])('%s is %s with code 0 and no data', (kind, expected) => {
    expect(egressFailure('http', new EgressError(kind, 'why')).hostError).toEqual({
      domain: 'http',
      kind: expected,
      code: 0,
      message: 'why',
    })
  })

  it.each([
    [400, 'invalid-input'],
    [401, 'denied'],
    [403, 'denied'],
    [404, 'invalid-input'],
    [408, 'timeout'],
    [410, 'invalid-input'],
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [504, 'timeout'],
  ])('HTTP %i is %s where a status is an error', (status, expected) => {
    expect(kindOfStatus(status)).toBe(expected)
  })

  it('leaves a fault of ours a fault', () => {
    expect(() => egressFailure('http', new TypeError('ours'))).toThrow(TypeError)
  })
})
