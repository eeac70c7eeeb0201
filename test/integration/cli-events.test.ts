import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NatsEventStores } from '../../src/engine/capabilities/event-store/nats-connection.ts'
import { SqliteEventStore } from '../../src/event-store/sqlite/sqlite-store.ts'
import { eventStoreFile } from '../../src/event-store/store-file.ts'
import { command, decision } from '../contract/event-store/suite.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { bundleOf, closeEngines, temporaryFolder } from '../support/engine.ts'
import { NatsServer, natsServerCommand } from '../support/nats-server.ts'

const repository = resolve(import.meta.dirname, '../..')
const any = { kind: 'any' } as const

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function paddock(...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(repository, 'bin/paddock.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

const lines = ({ stdout }: Ran): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('paddock events', () => {
  let folder: string
  let file: string
  let store: SqliteEventStore

  beforeAll(async () => {
    await buildFixtures()
    folder = await temporaryFolder()
    await mkdir(join(folder, 'stores'))
    file = eventStoreFile(join(folder, 'stores'), 'orders')
    store = new SqliteEventStore({ path: file, module: 'orders', quotaBytes: null })
    store.append(decision('a', any, 3, { command: command('demo.do', 'x'), headers: { by: 'test' } }))
    store.append(decision('b', any, 2))
  })
  afterAll(async () => {
    store.close()
    await closeEngines()
  })

  it('shows events of a store file and of a bundle, filtered', async () => {
    const all = await paddock('events', file, '--json')
    expect(all).toMatchObject({ code: 0, stderr: '' })
    expect(lines(all).map(({ kind, position }) => [kind, position])).toEqual(
      [1, 2, 3, 4, 5].map((position) => ['decider.event', position]),
    )
    expect(lines(all)[0]).toMatchObject({
      streamId: 'a',
      revision: 1,
      headers: { by: 'test' },
      payload: { json: { index: 0 } },
    })
    const some = await paddock(
      'events',
      file,
      '--stream',
      'a',
      '--type',
      'demo.happened.0',
      '--after',
      '1',
      '--json',
    )
    expect(lines(some).map(({ position }) => position)).toEqual([3])
    const bundle = await bundleOf('counter', { name: 'orders', chainId: null })
    const ofBundle = await paddock('events', bundle, '--state-dir', folder, '--limit', '2', '--json')
    expect(lines(ofBundle).map(({ position }) => position)).toEqual([1, 2])
    expect((await paddock('events', file, '--limit', '1')).stdout).toContain(
      'a@1 demo.happened.0 {"index":0}',
    )
  })

  it('follows what comes', async () => {
    const following = paddock('events', file, '--after', '4', '--follow', '--limit', '3', '--json')
    store.append(decision('c', any, 2))
    expect(lines(await following).map(({ position }) => position)).toEqual([5, 6, 7])
  })

  it('exports, imports, copies and checks', async () => {
    const [exported, copy, backup] = [
      join(folder, 'all.ndjson'),
      join(folder, 'copy.db'),
      join(folder, 'backup.db'),
    ]
    expect(await paddock('events', file, '--export', exported)).toMatchObject({ code: 0, stderr: '' })
    expect((await readFile(exported, 'utf8')).split('\n')[0]).toBe(
      '{"kind":"paddock-events","format":1,"module":"orders"}',
    )
    expect(await paddock('events', copy, '--import', exported)).toMatchObject({ code: 0, stderr: '' })
    expect(await paddock('events', file, '--backup', backup)).toMatchObject({ code: 0, stderr: '' })
    const wanted = (await paddock('events', file, '--json')).stdout.replaceAll(/"time":"[^"]+"/g, '')
    for (const other of [copy, backup]) {
      const found = (await paddock('events', other, '--json')).stdout.replaceAll(/"time":"[^"]+"/g, '')
      expect(found).toBe(wanted)
      const checked = await paddock('events', other, '--check', '--json')
      expect(checked.code).toBe(0)
      expect(lines(checked)[0]).toMatchObject({ ok: true, events: 7, streams: 3 })
    }
  })

  it('names what is wrong: exit 1 for a store, 2 for usage', async () => {
    const damaged = join(folder, 'damaged.db')
    await copyFile(join(folder, 'backup.db'), damaged)
    const bytes = await readFile(damaged)
    await writeFile(damaged, bytes.fill(0xa5, 4_096))
    expect(await paddock('events', damaged, '--check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('store.corrupt') as string,
    })
    expect(await paddock('events', join(folder, 'none.db'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('store.open_failed') as string,
    })
    const bundle = await bundleOf('counter', { chainId: null })
    expect(await paddock('events', bundle)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--state-dir') as string,
    })
    expect(await paddock('events', file, '--after', 'x')).toMatchObject({ code: 2 })
  })

  it.skipIf(natsServerCommand() === null)('looks at an event server', async () => {
    const server = await NatsServer.start()
    const stores = new NatsEventStores({
      url: server.url,
      credentialsFile: null,
      nkeySeedFile: null,
      caFile: null,
      replicas: 1,
    })
    try {
      await (await stores.of('orders', null)).append(decision('a', any, 3))
      const shown = await paddock('events', `${server.url}/orders`, '--json')
      expect(shown).toMatchObject({ code: 0, stderr: '' })
      expect(lines(shown).map(({ revision }) => revision)).toEqual([1, 2, 3])
      expect(await paddock('events', `${server.url}/orders`, '--check')).toMatchObject({ code: 0 })
      expect(await paddock('events', `${server.url}/unknown`)).toMatchObject({ code: 1 })
    } finally {
      await stores.close()
      await server.stop()
    }
  })
})
