import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveRequest } from './app-protocol.ts'

const root = path.resolve('/srv/console')

describe('resolveRequest', () => {
  test.each([
    ['app://paddock/', 'index.html'],
    ['app://paddock', 'index.html'],
    ['app://paddock/index.html', 'index.html'],
    ['app://paddock/index.html?a=b#/modules', 'index.html'],
    ['app://paddock/assets/index-B_9.js', 'assets/index-B_9.js'],
    ['app://paddock/a/../index.html', 'index.html'],
    // Ends at the root of the address, which is the folder.
    ['app://paddock/%2e%2e/%2e%2e/etc/hosts.html', 'etc/hosts.html'],
  ])('%s is %s', (url, file) => {
    expect(resolveRequest(root, url)).toBe(path.join(root, file))
  })

  test.each([
    'app://paddock/..%2f..%2fetc%2fhosts.html',
    'app://paddock/assets/..%5c..%5cindex.html',
    'app://paddock//etc/hosts.html',
    'app://paddock/%2fetc/hosts.html',
    'app://paddock/C:/windows/win.html',
    'app://paddock/index.html%00.js',
    'app://paddock/%',
    'app://paddock/.hidden.html',
    'app://paddock/assets',
    'app://paddock/index',
    'app://paddock/index.html.map',
    'app://paddock/package.json',
    'app://elsewhere/index.html',
    'app://paddock.elsewhere/index.html',
    'app://paddock:81/index.html',
    'file:///index.html',
    'https://paddock/index.html',
    'index.html',
    '',
  ])('%j is nothing', (url) => {
    expect(resolveRequest(root, url)).toBeNull()
  })

  test('nothing outside of the folder, whatever is asked for', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('..', '.', '%2e%2e', '%2e', '%2f', '%5c', '\\', '%00', '', 'etc', 'a.html', '~', 'C:'),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const file = resolveRequest(root, `app://paddock/${parts.join('/')}`)
        if (file !== null) expect(file.startsWith(root + path.sep)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})
