import { expect, test } from 'vitest'
import { parseInterfaceName, sameTrack } from './names.ts'

test('a full name is taken apart', () => {
  expect(parseInterfaceName('nexum:host/local-store@0.2.0')).toEqual({
    namespace: 'nexum',
    package: 'host',
    interface: 'local-store',
    version: '0.2.0',
  })
})

test('a name without a version has none', () => {
  expect(parseInterfaceName('a:b/c')).toEqual({
    namespace: 'a',
    package: 'b',
    interface: 'c',
    version: undefined,
  })
})

test.each([
  'init',
  'a:b',
  'a/b',
  'a:b/c@',
  'a:b/c@1',
  'a:b/c@01.0.0',
  'A:b/c',
  'a:b/c/d',
  'a:b/c d',
  '',
  'a:b/-c',
])('%j is no interface name', (name) => expect(parseInterfaceName(name)).toBeUndefined())

test.each([
  ['0.2.0', '0.2.12', true],
  ['0.2.0', '0.3.0', false],
  ['0.0.1', '0.0.2', false],
  ['1.2.0', '1.9.4', true],
  ['1.0.0', '2.0.0', false],
  ['0.2.0-rc.1', '0.2.0', false],
  ['0.2.0-rc.1', '0.2.0-rc.1', true],
  ['0.2.0+build', '0.2.1', true],
  [undefined, undefined, true],
  [undefined, '0.2.0', false],
  ['nonsense', '0.2.0', false],
] as const)('%s and %s: %s', (a, b, same) => {
  expect(sameTrack(a, b)).toBe(same)
  expect(sameTrack(b, a)).toBe(same)
})
