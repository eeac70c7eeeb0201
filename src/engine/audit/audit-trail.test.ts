import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import { AuditTrail, type NewAuditEntry } from './audit-trail.ts'
import { exportAudit } from './export-audit.ts'

let directory: string
let clock: ManualClock
let warnings: ErrorReport[]

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paddock-audit-'))
  clock = new ManualClock()
  warnings = []
})

afterEach(() => rm(directory, { recursive: true, force: true }))

async function open(): Promise<AuditTrail> {
  const trail = new AuditTrail({ directory, clock, onWarning: (error) => warnings.push(error) })
  await trail.open()
  return trail
}

const granted = (module: string): NewAuditEntry => ({
  kind: 'granted',
  module,
  capability: 'http',
  verdict: 'done',
  text: 'You granted http',
})

describe('the audit trail', () => {
  it('keeps entries across starts and pages them, newest first', async () => {
    const first = await open()
    for (let index = 0; index < 5; index += 1) first.record(granted(index % 2 === 0 ? 'even' : 'odd'))
    await first.close()
    const second = await open()
    second.record({ kind: 'signature', module: 'even', verdict: 'done', text: 'Signed', digest: '0x12' })
    const page = await second.query({}, null, 4)
    expect(page.entries.map(({ id }) => id)).toEqual([5, 4, 3, 2])
    expect(page.more).toBe(true)
    const rest = await second.query({}, 2, 4)
    expect(rest.entries.map(({ id }) => id)).toEqual([1, 0])
    expect(rest.more).toBe(false)
    expect((await second.query({ module: 'odd' }, null, 9)).entries.map(({ id }) => id)).toEqual([3, 1])
    expect((await second.query({ kinds: ['signature'] }, null, 9)).entries).toMatchObject([
      { digest: '0x12' },
    ])
    await second.close()
  })

  it('writes what fits a filter to a file, one entry a line, and tells those that watch', async () => {
    const trail = await open()
    const seen: string[] = []
    trail.onRecord(({ module }) => seen.push(module ?? ''))
    for (let index = 0; index < 1_201; index += 1) trail.record(granted(index % 2 === 0 ? 'even' : 'odd'))
    expect(seen).toHaveLength(1_201)
    const file = path.join(directory, 'export.ndjson')
    expect(await exportAudit(trail, { module: 'even' }, file)).toBe(601)
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(
      Array.from({ length: 601 }, (_, index) => 1_200 - 2 * index),
    )
    clock.advance(10)
    trail.record(granted('late'))
    expect(await exportAudit(trail, { since: clock.now() }, file)).toBe(1)
    await expect(exportAudit(trail, {}, path.join(directory, 'none', 'x'))).rejects.toMatchObject({
      code: 'store.io',
    })
    await trail.close()
  })

  it('tells the first refused call at once and counts those that follow', async () => {
    const trail = await open()
    for (let index = 0; index < 1_000; index += 1) trail.denied('loud', 'http', 'fetch', `host ${index}`)
    trail.denied('loud', 'chain', 'request', 'eth_sign')
    expect((await trail.query({}, null, 9)).entries).toMatchObject([
      { capability: 'chain', count: 1 },
      { capability: 'http', count: 1, verdict: 'denied' },
    ])
    clock.advance(60_000)
    expect((await trail.query({ kinds: ['denied'] }, null, 9)).entries[0]).toMatchObject({
      capability: 'http',
      count: 999,
    })
    trail.denied('loud', 'http', 'fetch', 'again')
    trail.denied('loud', 'http', 'fetch', 'again')
    await trail.close()
    const later = await open()
    expect((await later.query({}, null, 9)).entries).toHaveLength(5)
    expect(clock.pending).toBe(0)
  })

  it('survives a line that a crash cut off, and lines of somebody else', async () => {
    const first = await open()
    first.record(granted('a'))
    await first.close()
    const [name] = await readdir(directory)
    const file = path.join(directory, name!)
    await appendFile(file, 'no entry\n{"id":1,"time":')
    const second = await open()
    second.record(granted('b'))
    expect((await second.query({}, null, 9)).entries.map(({ module }) => module)).toEqual(['b', 'a'])
    await second.close()
    expect(warnings).toEqual([])
  })

  it('stays within its bounds: the oldest file goes first', async () => {
    const trail = await open()
    const text = 'x'.repeat(512)
    for (let index = 0; index < 60_000; index += 1) {
      trail.record({ ...granted('a'), text })
      if (index % 1_000 === 999) await trail.query({}, 0, 1)
    }
    const page = await trail.query({}, null, 1)
    expect(page.entries[0]?.id).toBe(59_999)
    await trail.close()
    const names = (await readdir(directory)).sort()
    expect(names).toHaveLength(128)
    expect(names[0]).not.toBe('audit-000000000000000.ndjson')
    expect(warnings).toEqual([])
  })

  it('says when it cannot be kept, and goes on', async () => {
    await rm(directory, { recursive: true })
    await writeFile(directory, 'a file in the way')
    const trail = await open()
    trail.record(granted('a'))
    await trail.close()
    expect(warnings).toHaveLength(1)
    expect(await readFile(directory, 'utf8')).toBe('a file in the way')
  })
})
