import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStateDirectory, statePaths } from './state-directory.ts'

let root: string
const lock = () => join(root, 'engine.lock')

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'paddock-state-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('the lock of a state directory', () => {
  it('names its owner, keeps others out, and is gone when released', async () => {
    const held = await openStateDirectory(statePaths(root))
    expect(readFileSync(lock(), 'utf8')).toBe(String(process.pid))
    expect(readdirSync(root).filter((name) => name.startsWith('engine.lock'))).toEqual(['engine.lock'])
    await expect(openStateDirectory(statePaths(root))).rejects.toMatchObject({ code: 'state.locked' })
    expect(existsSync(lock())).toBe(true)
    await held.release()
    expect(existsSync(lock())).toBe(false)
    await (await openStateDirectory(statePaths(root))).release()
  })

  it('of a process that lives is respected', async () => {
    writeFileSync(lock(), String(process.ppid))
    await expect(openStateDirectory(statePaths(root))).rejects.toMatchObject({ code: 'state.locked' })
    expect(readFileSync(lock(), 'utf8')).toBe(String(process.ppid))
  })

  it.each([
    ['a process that is gone', () => String(spawnSync(process.execPath, ['--version']).pid)],
    ['an engine before us with our own id', () => String(process.pid)],
    ['nobody', () => ''],
    ['nonsense', () => '-1 or so'],
  ])('of %s is taken over', async (_, content) => {
    writeFileSync(lock(), content())
    const held = await openStateDirectory(statePaths(root))
    expect(readFileSync(lock(), 'utf8')).toBe(String(process.pid))
    await held.release()
  })

  it('is taken by one of many at once', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => openStateDirectory(statePaths(root))),
    )
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    for (const result of results) if (result.status === 'fulfilled') await result.value.release()
  })
})
