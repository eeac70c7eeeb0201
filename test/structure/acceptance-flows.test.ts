import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** Rows of the acceptance table of the flows' specification (spec flows 18), in its order. */
const features = [
  'all seven worlds',
  'flow file',
  'graph rules',
  'router ports',
  'lifecycle order',
  'token sample',
  'sequence, time',
  'order and fan-in',
  'backpressure',
  'always-pausing sink',
  'policies',
  'memory bound',
  'fairness',
  'end of stream',
  'cancel',
  'fuel',
  'watchdog',
  'deadline',
  'ownership',
  'freeze',
  '16 MiB',
  'pool privacy',
  'copy accounting',
  'leaks',
  'error table',
  'circuit',
  'dead letter, restart',
  'metrics',
  'trace',
  'console',
  'speed, compiled',
  'speed, JS',
  'start',
]

const page = readFileSync(join(root, 'docs/acceptance-flows.md'), 'utf8')
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

describe('docs/acceptance-flows.md', () => {
  it('has every row, in order', () => {
    expect(rows.map(({ feature }) => feature)).toEqual(features)
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
