/** Pages that say, row by row, which tests show what a specification asks for. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** Titles as they stand in the source of a test file, quotes unescaped. */
function titlesIn(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8')
  return [...source.matchAll(/(['"`])((?:\\.|(?!\1)[^\\\n])+)\1/g)].map(([, , title]) =>
    (title ?? '').replaceAll("\\'", "'"),
  )
}

/** Holds a page to its rows, in order, and each row to a result and to tests that are there. */
export function holdPage(file: string, features: readonly string[]): void {
  const page = readFileSync(join(root, file), 'utf8')
  const rows = [...page.matchAll(/^\| ([^|]+) \| (`.*) \| ([^|]+) \|$/gm)].map(
    ([, feature, tests, result]) => ({
      feature: feature ?? '',
      files: (tests ?? '').split('<br>').map((cell) => {
        const [, name = '', titles = ''] = /^`([^`]+)`: (.+)$/.exec(cell) ?? []
        return { name, titles }
      }),
      result: result ?? '',
    }),
  )
  describe(file, () => {
    it('has every row, in order', () => {
      expect(rows.map(({ feature }) => feature)).toEqual(features)
    })

    it.each(rows)('$feature: names tests that are there', ({ files, result }) => {
      expect(result.trim()).not.toBe('')
      for (const { name, titles } of files) {
        const found = new Set(titlesIn(name))
        // A title may hold what separates titles: the longest that is there is taken.
        let rest = titles.split('; ')
        while (rest.length > 0) {
          const taken = rest.findIndex((_, index) => found.has(rest.slice(0, rest.length - index).join('; ')))
          expect(taken, `${name} has no test "${rest[0] ?? ''}"`).toBeGreaterThanOrEqual(0)
          rest = rest.slice(rest.length - taken)
        }
      }
    })
  })
}
