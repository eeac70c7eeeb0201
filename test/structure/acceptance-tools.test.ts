import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** Rows of the acceptance table of the tools' specification (spec tools 14), in its order. */
const features = [
  'contract',
  'closed WASI',
  'declaration',
  'context',
  'log',
  'workspace',
  'secret-exists',
  'tool-invoke',
  'methods/headers',
  'allowlist',
  'SSRF',
  'rebinding',
  'redirects',
  'injection',
  'all-or-nothing staging',
  'caps',
  'timeouts',
  'request-sent',
  'rate',
  'response scan',
  'output scan',
  'linear scan',
  'failure mapping',
  'fresh instance',
  'deadline',
  'memory',
  'main thread',
  'gates',
  'permit ownership',
  'single flight',
  'cancellation',
  'settlement',
  'early exits',
  'crash recovery',
  'governor',
  'cache',
  'live memories',
  'cost',
]

/** What was asked for elsewhere and left open (spec tools 15). */
const leftOpen = [
  '1 cancelled guest',
  '2 single flight',
  '3 partial staging',
  '4 expiry',
  '5 hand-in',
  '6 settlement logs',
  '7 bounded cache',
  '8 typed timeouts',
  '9 last status',
  '10 limits of a tool',
  '11 small parts',
  '12 where work ran',
  '13 lock convoys',
]

const page = readFileSync(join(root, 'docs/acceptance-tools.md'), 'utf8')
const rows = [...page.matchAll(/^\| ([^|]+) \| (`.*) \| ([^|]+) \|$/gm)].map(
  ([, feature, tests, result]) => ({
    feature: feature ?? '',
    files: (tests ?? '').split('<br>').map((cell) => {
      const [, file = '', titles = ''] = /^`([^`]+)`: (.+)$/.exec(cell) ?? []
      return { file, titles }
    }),
    result: result ?? '',
  }),
)

/** Titles as they stand in the source of a test file, quotes unescaped. */
function titlesIn(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8')
  return [...source.matchAll(/(['"`])((?:\\.|(?!\1)[^\\\n])+)\1/g)].map(([, , title]) =>
    (title ?? '').replaceAll("\\'", "'"),
  )
}

describe('docs/acceptance-tools.md', () => {
  it('has every row, in order', () => {
    expect(rows.map(({ feature }) => feature)).toEqual([...features, ...leftOpen])
  })

  it.each(rows)('$feature: names tests that are there', ({ files, result }) => {
    expect(result.trim()).not.toBe('')
    for (const { file, titles } of files) {
      const found = new Set(titlesIn(file))
      // A title may hold what separates titles: the longest that is there is taken.
      let rest = titles.split('; ')
      while (rest.length > 0) {
        const taken = rest.findIndex((_, index) => found.has(rest.slice(0, rest.length - index).join('; ')))
        expect(taken, `${file} has no test "${rest[0] ?? ''}"`).toBeGreaterThanOrEqual(0)
        rest = rest.slice(rest.length - taken)
      }
    }
  })
})
