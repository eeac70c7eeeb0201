import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ContentDatabase, contentCost } from './content-database.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'paddock-content-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the room for content', () => {
  it('is counted as it is when a write is taken back', () => {
    const file = path.join(folder, 'content.db')
    const size = 10_000
    const content = new ContentDatabase(file, 2 * contentCost(size))
    const put = (name: number): void =>
      content.put(new Uint8Array(32).fill(name), new Uint8Array(size), false)
    put(1)
    put(2)
    expect(content.usedBytes).toBe(2 * contentCost(size))
    const other = new Database(file)
    other.exec("CREATE TRIGGER no_room BEFORE INSERT ON content BEGIN SELECT RAISE(ABORT, 'no room'); END")
    for (const name of [3, 4, 5]) expect(() => put(name)).toThrow('no room')
    expect(content.usedBytes).toBe(2 * contentCost(size))
    other.exec('DROP TRIGGER no_room')
    other.close()
    put(3)
    expect(content.usedBytes).toBe(2 * contentCost(size))
    content.close()
  })
})
