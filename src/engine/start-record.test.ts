import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { until } from '../../test/support/until.ts'
import { stableAfterMs, StartRecord } from './start-record.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-starts-'))
  file = join(folder, 'starts.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A start that nobody ends: the process dies. */
async function crash(clock = new ManualClock()): Promise<boolean> {
  const { safeMode } = await new StartRecord(file).begin(clock)
  return safeMode
}

describe('StartRecord', () => {
  it('starts safely after two unclean starts in a row, and again until one is clean', async () => {
    expect([await crash(), await crash(), await crash(), await crash()]).toEqual([false, false, true, true])
    const record = new StartRecord(file)
    expect(await record.begin(new ManualClock())).toEqual({ safeMode: true })
    await record.end()
    expect(await crash()).toBe(false)
    expect(await readdir(folder)).toEqual(['starts.json'])
  })

  it('forgets unclean starts once one ended in order', async () => {
    await crash()
    const record = new StartRecord(file)
    await record.begin(new ManualClock())
    await record.end()
    expect([await crash(), await crash(), await crash()]).toEqual([false, false, true])
  })

  it('does not doubt a start that ran for five minutes', async () => {
    await crash()
    const clock = new ManualClock()
    await crash(clock)
    clock.advance(stableAfterMs - 1)
    expect(await readdir(folder)).toEqual(['starts.json'])
    clock.advance(1)
    await until(async () => expect(await readdir(folder)).toEqual([]))
    expect([await crash(), await crash()]).toEqual([false, false])
  })

  it.each(['', '{', '{"version":1}', '{"version":1,"startsInDoubt":-3}', 'null'])(
    'takes a damaged note (%s) for one unclean start',
    async (text) => {
      await writeFile(file, text)
      expect([await crash(), await crash()]).toEqual([false, true])
    },
  )

  it('leaves the note of another engine alone when its own never began', async () => {
    await crash()
    await new StartRecord(file).end()
    expect(await readdir(folder)).toEqual(['starts.json'])
  })

  it('says when the note cannot be written', async () => {
    const record = new StartRecord(join(folder, 'missing', 'starts.json'))
    await expect(record.begin(new ManualClock())).rejects.toMatchObject({ code: 'ENOENT' })
    await record.end()
  })
})
