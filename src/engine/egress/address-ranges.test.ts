import { describe, expect, it } from 'vitest'
import { isPublicAddress, isSameAddress, parseRange } from './address-ranges.ts'
import { PermittedDestinations } from './permitted-destinations.ts'

describe('isPublicAddress', () => {
  it.each([
    '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1',
    '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1',
    '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1',
    '239.255.255.255', '240.0.0.1', '255.255.255.255',
    '::', '::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fc00::1', 'fdff::1', 'ff02::1', '2001:db8::1',
    '100::1', '2002:7f00:1::', '2001:0:1::', 'fec0::1', '64:ff9b:1::1',
    '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:ffff:a9fe:a9fe', '::127.0.0.1', '::a00:1',
    '::ffff:0:127.0.0.1', '5f00::1', '4000::1', 'fbff::1', '3fff::1', '2001:2::1',
    '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::169.254.169.254',
    '', 'localhost', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1::2::3',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each([
    '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1',
    '169.253.255.255', '172.15.255.255', '172.32.0.0', '192.0.1.1', '192.167.255.255', '198.17.255.255',
    '198.20.0.0', '223.255.255.255', '2606:4700::1111', '2a00::1', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1',
    '2001:4860:4860::8888', '2001:200::1', '3ffe::1',
  ])('lets %s pass', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
}) // prettier-ignore

describe('isSameAddress', () => {
  it('sees through notations', () => {
    expect(isSameAddress('::ffff:127.0.0.1', '127.0.0.1')).toBe(true)
    expect(isSameAddress('::1', '0:0:0:0:0:0:0:1')).toBe(true)
    expect(isSameAddress('::1', '127.0.0.1')).toBe(false)
    expect(isSameAddress('', '')).toBe(false)
  })
})

describe('PermittedDestinations', () => {
  it('permits what is listed, in whatever notation, and nothing beside it', () => {
    const permitted = new PermittedDestinations([
      '127.0.0.1',
      '10.1.0.0/16',
      '[fd00::1]',
      'garbage',
      '1.2.3.4/99',
    ])
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.1.255.1', 'fd00::1', '8.8.8.8']) {
      expect(permitted.allows(address), address).toBe(true)
    }
    for (const address of ['127.0.0.2', '10.2.0.1', 'fd00::2', '::1', 'garbage']) {
      expect(permitted.allows(address), address).toBe(false)
    }
    expect(new PermittedDestinations(['localhost']).allows('::1')).toBe(true)
    expect(new PermittedDestinations(['::ffff:10.0.0.0/104']).allows('10.200.0.1')).toBe(true)
    expect(new PermittedDestinations().allows('127.0.0.1')).toBe(false)
  })

  it('reads blocks strictly', () => {
    for (const text of [
      '',
      '/8',
      '10.0.0.0/',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/8x',
      '::/129',
      'a.b',
    ]) {
      expect(parseRange(text), text).toBeNull()
    }
    expect(parseRange('0.0.0.0/0')).toEqual({ bytes: [0, 0, 0, 0], prefix: 0 })
  })
})
