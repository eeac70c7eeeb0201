import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
/** Rows of the acceptance table of the host's specification (spec nexum-host 18). */
const rows = Array.from({ length: 76 }, (_, index) => index + 1)

const titlePattern = /(['"`])spec nexum-host 18 row ([\d, ]+): ((?:\\.|(?!\1)[^\\])*)\1/gs

/** Titles of the tests of each file, by row. */
function titlesIn(text: string): { row: number; title: string }[] {
  return [...text.matchAll(titlePattern)].flatMap(([, , numbers, title]) =>
    numbers!.split(', ').map((row) => ({ row: Number(row), title: title!.replaceAll("\\'", "'") })),
  )
}

const tests = new Map(
  ['src', 'test']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => [file, titlesIn(readFileSync(join(root, file), 'utf8'))] as const)
    .filter(([, titles]) => titles.length > 0),
)

const page = readFileSync(join(root, 'docs/acceptance-nexum-host.md'), 'utf8')
const listed = new Map(
  [...page.matchAll(/^\| (\d+) \| [^|]+ \| [^|]+ \| (.*) \|$/gm)].map(([, row, cells]) => [
    Number(row),
    cells!
      .split('<br>')
      .map((cell) => /^`([^`]+)`: (.*)$/s.exec(cell))
      .map((match) => ({ file: match?.[1] ?? '', titles: (match?.[2] ?? '').replaceAll('\\|', '|') })),
  ]),
)

describe('docs/acceptance-nexum-host.md', () => {
  it('has every row', () => {
    expect([...listed.keys()]).toEqual(rows)
  })

  it.each(rows)('row %i: has a test, and names each of its tests', (row) => {
    const named = listed.get(row) ?? []
    expect(named.length).toBeGreaterThan(0)
    const found = [...tests].flatMap(([file, titles]) =>
      titles.filter((each) => each.row === row).map(({ title }) => ({ file, title })),
    )
    expect(found.length).toBeGreaterThan(0)
    for (const { file, title } of found) {
      expect(named.find((each) => each.file === file)?.titles ?? `${file} is missing`).toContain(title)
    }
    // Nor does it name a file whose tests are gone.
    for (const { file } of named) expect(found.map((each) => each.file)).toContain(file)
  })
})
