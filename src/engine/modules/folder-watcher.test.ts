import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FolderWatcher, type FolderEvent } from './folder-watcher.ts'

let folder: string
let events: FolderEvent[]
let watcher: FolderWatcher

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-watch-'))
  events = []
  watcher = new FolderWatcher({ onEvent: (event) => events.push(event), settleMs: 40 })
})
afterEach(async () => {
  await watcher.dispose()
  await rm(folder, { recursive: true, force: true })
})

async function bundle(name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  await writeFile(join(path, 'paddock.toml'), '[module]\nname = "x"\n')
  await writeFile(join(path, 'module.wasm'), 'one')
  return path
}

describe('FolderWatcher', () => {
  it('tells bundles found, changed and removed, once each', async () => {
    const first = await bundle('first')
    await watcher.add(folder)
    await vi.waitFor(() => expect(events).toEqual([{ kind: 'found', folder, bundlePath: first }]), 5_000)
    const second = await bundle('second')
    await vi.waitFor(() => expect(events[1]).toEqual({ kind: 'found', folder, bundlePath: second }), 5_000)
    await writeFile(join(first, 'module.wasm'), 'two two')
    await writeFile(join(first, 'paddock.toml'), '[module]\nname = "changed"\n')
    await vi.waitFor(() => expect(events[2]).toEqual({ kind: 'changed', folder, bundlePath: first }), 5_000)
    await rm(second, { recursive: true })
    await vi.waitFor(() => expect(events[3]).toEqual({ kind: 'removed', folder, bundlePath: second }), 5_000)
    expect(events).toHaveLength(4)
  })

  it('waits for the component of a bundle', async () => {
    await watcher.add(folder)
    const path = join(folder, 'late')
    await mkdir(path)
    await writeFile(join(path, 'paddock.toml'), '')
    const done = await bundle('done')
    await vi.waitFor(() => expect(events).toEqual([{ kind: 'found', folder, bundlePath: done }]), 5_000)
    await writeFile(join(path, 'module.wasm'), 'x')
    await vi.waitFor(() => expect(events[1]).toEqual({ kind: 'found', folder, bundlePath: path }), 5_000)
  })

  it('refuses what is no folder, and other folders go on', async () => {
    await expect(watcher.add(join(folder, 'absent'))).rejects.toMatchObject({ code: 'bundle.not_found' })
    await watcher.add(folder)
    expect(watcher.watched).toEqual([folder])
    const path = await bundle('one')
    await vi.waitFor(() => expect(events).toEqual([{ kind: 'found', folder, bundlePath: path }]), 5_000)
    await watcher.remove(folder)
    expect(watcher.watched).toEqual([])
  })
})
