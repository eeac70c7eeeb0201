import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import { SupervisionStore, type SupervisionRecord } from './supervision-store.ts'

let folder: string
let file: string
let warnings: ErrorReport[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-supervision-'))
  file = join(folder, 'supervision.json')
  warnings = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function open(): Promise<SupervisionStore> {
  const store = new SupervisionStore({ file, now: () => 77, onWarning: (error) => warnings.push(error) })
  await store.open()
  return store
}

const trap = new PaddockError('sandbox.trap', 'unreachable').toReport()
const record: SupervisionRecord = {
  failureTimes: [1_000, 2_000],
  consecutiveFailures: 2,
  restarts: 9,
  lastError: { time: 2_000, error: trap },
  quarantine: { since: 2_000, cause: trap, class: 'error', attempts: 2 },
  lastLines: [
    { id: 4, time: 1_999, level: 'info', source: 'host_interface', message: 'hello', module: 'a', run: 3 },
  ],
}

describe('SupervisionStore', () => {
  it('keeps records across opens, also under names every object has', async () => {
    const store = await open()
    for (const name of ['a', '__proto__', 'constructor']) store.set(name, record)
    store.set('gone', record)
    store.remove('gone')
    await store.flush()
    const again = await open()
    for (const name of ['a', '__proto__', 'constructor']) expect(again.get(name)).toEqual(record)
    expect(again.get('gone')).toBeUndefined()
    expect(again.get('toString')).toBeUndefined()
    expect(await readdir(folder)).toEqual(['supervision.json'])
    expect(warnings).toEqual([])
  })

  it('writes the last of many changes, at any time whole', async () => {
    const store = await open()
    for (let restarts = 0; restarts < 200; restarts += 1) {
      store.set('a', { ...record, restarts })
      if (restarts % 20 === 19) {
        await new Promise((resolve) => setImmediate(resolve))
        const text = await readFile(file, 'utf8').catch(() => '{}')
        expect(() => void JSON.parse(text)).not.toThrow()
      }
    }
    await store.flush()
    expect((await open()).get('a')?.restarts).toBe(199)
  })

  it.each([
    '',
    '{"version":1',
    '{"version":2,"modules":[]}',
    '{"version":1,"modules":[{"name":"a","restarts":-1}]}',
  ])('keeps a file that does not hold (%s) aside and says so', async (text) => {
    await writeFile(file, text)
    const store = await open()
    expect(store.get('a')).toBeUndefined()
    expect(warnings).toMatchObject([{ code: 'state.corrupt' }])
    expect(warnings[0]?.remedy).toContain('supervision.json.corrupt-77')
    expect(await readFile(join(folder, 'supervision.json.corrupt-77'), 'utf8')).toBe(text)
    store.set('a', record)
    await store.flush()
    expect((await open()).get('a')).toEqual(record)
  })

  it('goes on in memory when the file cannot be written, and says so', async () => {
    const store = await open()
    await mkdir(file)
    await writeFile(join(file, 'x'), '')
    store.set('a', record)
    await store.flush()
    expect(store.get('a')).toEqual(record)
    expect(warnings).toMatchObject([{ code: 'state.unwritable' }])
    expect(await readdir(folder)).toEqual(['supervision.json'])
  })
})
