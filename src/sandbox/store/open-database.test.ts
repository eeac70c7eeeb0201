import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from './open-database.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-open-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

it.skipIf(process.platform === 'win32')('a new store is for its owner alone, companions included', () => {
  const before = process.umask(0o022)
  const directory = join(folder, 'stores')
  try {
    const { database } = openDatabase(join(directory, 'm.sqlite'), 'm')
    const files = readdirSync(directory)
    expect(files).toContain('m.sqlite-wal')
    expect(files.map((name) => statSync(join(directory, name)).mode & 0o077)).toEqual(files.map(() => 0))
    expect(statSync(directory).mode & 0o077).toBe(0)
    database.close()
  } finally {
    process.umask(before)
  }
})
