import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ErrorReport } from '../../../../shared/errors.ts'
import { ActorDirectory } from './directory.ts'
import type { ActorRecord } from './record.ts'

let folder: string
let damage: ErrorReport[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'paddock-directory-'))
  damage = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const record = (id: string, generation: number, state: ActorRecord['state'] = 'live'): ActorRecord => ({
  id,
  key: [id],
  generation,
  state,
  createdAt: 1,
  started: true,
})

async function opened(): Promise<ActorDirectory> {
  const directory = new ActorDirectory({
    file: path.join(folder, 'deep', 'actors.jsonl'),
    onDamage: (report) => damage.push(report),
  })
  await directory.open()
  return directory
}

describe('the directory of actors', () => {
  const file = (): string => path.join(folder, 'deep', 'actors.jsonl')

  it('has a generation on disk before it settles, and knows it after', async () => {
    const one = await opened()
    await Promise.all([one.put(record('b', 1)), one.put(record('a', 1)), one.put(record('a', 2))])
    expect(await readFile(file(), 'utf8')).toContain('"generation":2')
    const two = await opened()
    expect(two.live()).toEqual([record('a', 2), record('b', 1)])
    await Promise.all([one.close(), two.close()])
  })

  it('loses nothing but the line that a crash cut', async () => {
    const one = await opened()
    await one.put(record('a', 1))
    await one.put(record('a', 2))
    await one.close()
    const text = await readFile(file(), 'utf8')
    for (let cut = 1; cut < text.length / 2; cut += 7) {
      await writeFile(file(), text)
      await truncate(file(), text.length - cut)
      const again = await opened()
      expect(again.get('a')).toEqual(record('a', 1))
      await again.close()
    }
    expect(damage).toEqual([])
  })

  it('tells of lines it cannot read and keeps the others', async () => {
    const one = await opened()
    await one.put(record('a', 3))
    await one.close()
    await appendFile(file(), 'no json\n{"id":"b"}\n')
    const two = await opened()
    expect(two.get('a')?.generation).toBe(3)
    expect(damage).toMatchObject([{ code: 'state.corrupt', details: { lines: 2 } }])
    await two.close()
  })

  it('keeps generations of destroyed actors, and what was not destroyed to its end', async () => {
    const one = await opened()
    await one.put(record('a', 4, 'destroyed'))
    await one.put(record('b', 1, 'destroying'))
    await one.close()
    const two = await opened()
    expect(two.get('a')?.generation).toBe(4)
    expect(two.live().map(({ id }) => id)).toEqual(['b'])
    expect(two.unfinished().map(({ id }) => id)).toEqual(['b'])
    await two.close()
  })

  it('writes itself anew before it grows without end', async () => {
    const one = await opened()
    for (let generation = 1; generation <= 2_500; generation += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => one.put(record('a', generation + index))))
    }
    await one.close()
    expect((await readFile(file(), 'utf8')).split('\n').length).toBeLessThan(1_200)
    const two = await opened()
    expect(two.get('a')?.generation).toBe(2_500)
    await two.close()
  })
})
