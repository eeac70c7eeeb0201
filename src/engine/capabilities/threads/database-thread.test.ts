import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCapabilityDatabase } from './database-thread.ts'

const schema = 'CREATE TABLE IF NOT EXISTS kept (value TEXT) STRICT'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'paddock-database-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the file of a capability', () => {
  it('is begun anew when it is no database, and the old one is kept', async () => {
    const file = path.join(folder, 'kept.db')
    await writeFile(file, 'no database '.repeat(1_000))
    const database = openCapabilityDatabase(file, schema)
    database.prepare('INSERT INTO kept VALUES (?)').run('a')
    database.close()
    expect((await readdir(folder)).filter((name) => name.includes('.corrupt-'))).toHaveLength(1)
  })

  it('stays where it is when it cannot be opened for another reason', async () => {
    const file = path.join(folder, 'kept.db')
    await mkdir(file)
    expect(() => openCapabilityDatabase(file, schema)).toThrow(
      expect.objectContaining({ code: 'SQLITE_CANTOPEN' }),
    )
    expect(await readdir(folder)).toEqual(['kept.db'])
  })
})
