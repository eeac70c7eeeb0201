import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

it('finds every test that docs/acceptance-actors.md names', async () => {
  const text = await readFile(join(root, 'docs/acceptance-actors.md'), 'utf8')
  const rows = text.split('\n').filter((line) => /^\| (?!Row |---)/.test(line))
  expect(rows).toHaveLength(44)
  const missing: string[] = []
  for (const row of rows) {
    const named = [...row.matchAll(/`([^`]+\.test\.ts)`: `([^`]+)`/g)]
    if (named.length === 0) missing.push(row)
    for (const [, file = '', name = ''] of named) {
      const source = await readFile(join(root, file), 'utf8').catch(() => '')
      if (!source.includes(`'${name}'`)) missing.push(`${file}: ${name}`)
    }
  }
  expect(missing).toEqual([])
})
