import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const suppression = /(eslint-disable|svelte-ignore|@ts-expect-error|@ts-ignore|@ts-nocheck)\b.*/g

/** Lines that switch a check off without saying why (`eslint-disable-next-line rule -- reason`). */
function unexplained(text: string): string[] {
  const found = text.match(suppression) ?? []
  return found.filter((line) => !/ -- \S+ \S+/.test(line.replace(/(-->|\*\/).*$/, '')))
}

it('recognises a suppression with and without its reason', () => {
  expect(unexplained('// eslint-disable-next-line no-console -- the logger itself\n')).toEqual([])
  expect(unexplained('// eslint-disable-next-line no-console\n')).toHaveLength(1)
  expect(unexplained('<!-- svelte-ignore a11y_autofocus -->\n')).toHaveLength(1)
  expect(
    unexplained('<!-- svelte-ignore a11y_autofocus -- the dialog opens on its first field -->\n'),
  ).toEqual([])
  expect(unexplained('/* eslint-disable no-console */\n')).toHaveLength(1)
})

it('gives a reason wherever the sources switch a check off', async () => {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
  expect(files.length).toBeGreaterThan(20)
  const problems: string[] = []
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    for (const line of unexplained(await readFile(path, 'utf8'))) problems.push(`${path}: ${line}`)
  }
  expect(problems).toEqual([])
})
