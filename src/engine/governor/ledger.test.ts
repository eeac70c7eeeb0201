import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { until } from '../../../test/support/until.ts'
import { budgetsSchema } from '../../shared/domain/budgets.ts'
import { PaddockError, type ErrorCode, type ErrorReport } from '../../shared/errors.ts'
import type { GovernorEvent } from './events.ts'
import { Governor } from './governor.ts'
import {
  LedgerFiles,
  type DeferredSettlements,
  type JournalLine,
  type LedgerContent,
  type LedgerStorage,
} from './ledger-files.ts'

const minute = 60_000
const scope = { module: 'counter', contract: 'event-module' }
const limited = budgetsSchema.parse({ operator: [{ dimension: 'fuel', limit: 1_000, period: 'day' }] })

let directory: string
let clock: ManualClock

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paddock-ledger-'))
  clock = new ManualClock(Date.UTC(2026, 0, 14, 12))
})

afterEach(async () => {
  await Promise.all(begun.splice(0).map((governor) => governor.close()))
  await rm(directory, { recursive: true })
})

const begun: Governor[] = []

interface Started {
  readonly governor: Governor
  readonly events: GovernorEvent[]
  readonly standings: (ErrorReport | null)[]
}

async function begin(
  storage: LedgerStorage = new LedgerFiles(directory),
  budgets = limited,
): Promise<Started> {
  const events: GovernorEvent[] = []
  const standings: (ErrorReport | null)[] = []
  const governor = new Governor({
    clock,
    storage,
    budgets,
    onEvent: (event) => events.push(event),
    onStanding: (error) => standings.push(error),
  })
  await governor.start()
  begun.push(governor)
  return { governor, events, standings }
}

function hold(governor: Governor, fuel: number): string {
  const grant = governor.reserve(scope, { fuel }, minute)
  if (!grant.granted) throw new Error(grant.denial.code)
  return grant.reservation.id
}

function use(governor: Governor, fuel: number): void {
  governor.reconcile(hold(governor, fuel), { fuel })
}

function used(governor: Governor): number {
  return governor.standings()[0]?.used ?? -1
}

async function journal(): Promise<JournalLine[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('journal-'))
  expect(names.length).toBeLessThanOrEqual(1)
  const text = names[0] === undefined ? '' : await readFile(join(directory, names[0]), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine)
}

/** Lets what is due be written. */
async function written(check: (lines: JournalLine[]) => void): Promise<void> {
  await until(async () => {
    clock.advance(200)
    check(await journal())
  })
}

/** Files that stop working when told. */
class FaultyFiles implements LedgerStorage {
  fault: ErrorCode | undefined
  attempts = 0
  keepsAside = false
  private readonly files: LedgerFiles

  constructor() {
    this.files = new LedgerFiles(directory)
  }

  read(): Promise<LedgerContent | null> {
    return this.files.read()
  }

  async writeSnapshot(content: LedgerContent): Promise<void> {
    this.check()
    await this.files.writeSnapshot(content)
  }

  async append(lines: readonly JournalLine[]): Promise<void> {
    this.check()
    await this.files.append(lines)
  }

  /** Fails with the rest unless `keepsAside`. */
  async writeDeferred(deferred: DeferredSettlements): Promise<void> {
    if (!this.keepsAside) throw new PaddockError('store.io', 'nothing is kept aside')
    await this.files.writeDeferred(deferred)
  }

  setAside(suffix: string): Promise<void> {
    return this.files.setAside(suffix)
  }

  close(): Promise<void> {
    return this.files.close()
  }

  private check(): void {
    this.attempts += 1
    if (this.fault !== undefined) throw new PaddockError(this.fault, `secret place ${directory}`)
  }
}

describe('what is kept', () => {
  it('survives an orderly end', async () => {
    const first = await begin()
    use(first.governor, 30)
    await first.governor.close()
    const second = await begin()
    expect([used(second.governor), second.events]).toEqual([30, []])
    use(second.governor, 5)
    await second.governor.close()
    expect(used((await begin()).governor)).toBe(35)
  })

  it('survives an engine that is killed, which leaves nothing held', async () => {
    const first = await begin()
    use(first.governor, 30)
    await written(() => undefined)
    await until(async () => expect(await readdir(directory)).toContain('ledger.json'))
    const since = clock.now()
    const id = hold(first.governor, 500)
    await written((lines) => expect(lines).toContainEqual(expect.objectContaining({ kind: 'hold', id })))
    clock.advance(5_000)
    const second = await begin()
    expect(second.events).toEqual([
      {
        kind: 'swept',
        id,
        scope: 'operator/module/counter/contract/event-module',
        ageMs: clock.now() - since,
      },
    ])
    expect(second.governor.standings()).toMatchObject([{ used: 30, held: 0 }])
    hold(second.governor, 970)
  })

  it('gives every start an epoch of its own, so that ids never come twice', async () => {
    const ids: string[] = []
    for (let start = 0; start < 3; start += 1) {
      const { governor } = await begin()
      const id = hold(governor, 1)
      governor.release(id)
      ids.push(id)
      await governor.close()
    }
    expect(new Set(ids).size).toBe(3)
  })

  it('writes nothing of holds that end before the next write, and one line for all their use', async () => {
    const { governor } = await begin()
    use(governor, 1)
    await written(() => undefined)
    await until(async () => expect(await readdir(directory)).toContain('ledger.json'))
    for (let call = 0; call < 500; call += 1) use(governor, 1)
    await written((lines) => {
      expect(lines).toEqual([{ kind: 'use', key: 'operator|fuel|day|UTC', window: '2026-01-14', used: 501 }])
    })
    await governor.close()
  })

  it('is nothing at all while nothing is limited over time', async () => {
    const { governor } = await begin(
      undefined,
      budgetsSchema.parse({ operator: [{ dimension: 'fuel', limit: 10, period: 'call' }] }),
    )
    for (let call = 0; call < 10; call += 1) use(governor, 1)
    clock.advance(minute)
    await governor.close()
    expect(await readdir(directory)).toEqual([])
  })

  async function kept(storage: LedgerFiles, holds: number): Promise<void> {
    await until(async () => {
      clock.advance(200)
      expect((await storage.read())?.holds).toHaveLength(holds)
    })
  }

  it('does not grow without end', async () => {
    const { governor } = await begin()
    const storage = new LedgerFiles(directory)
    for (let round = 0; round < 60; round += 1) {
      const ids = Array.from({ length: 100 }, () => hold(governor, 0))
      use(governor, 1)
      await kept(storage, 100)
      for (const id of ids) governor.release(id)
      await kept(storage, 0)
    }
    expect((await journal()).length).toBeLessThanOrEqual(5_000)
    await governor.close()
    expect(used((await begin()).governor)).toBe(60)
  })
})

describe('a ledger that was cut or altered', () => {
  async function withHistory(): Promise<string> {
    const { governor } = await begin()
    use(governor, 10)
    clock.advance(200)
    await until(async () => expect(await readdir(directory)).toContain('ledger.json'))
    use(governor, 20)
    await written((lines) => expect(lines).toHaveLength(1))
    await governor.close()
    const [name] = (await readdir(directory)).filter((each) => each.startsWith('journal-'))
    return join(directory, name!)
  }

  it('loses a last line that was never finished, and goes on', async () => {
    await appendFile(await withHistory(), '{"kind":"use","key":"operator|fuel|da')
    const { governor } = await begin()
    expect([used(governor), governor.fault]).toEqual([30, null])
    use(governor, 1)
    await governor.close()
    expect(used((await begin()).governor)).toBe(31)
  })

  it('ignores the journal of an earlier generation', async () => {
    await withHistory()
    await writeFile(join(directory, 'journal-0.jsonl'), 'left over\n')
    expect((await begin()).governor.fault).toBeNull()
  })

  it.each([
    ['a damaged journal', async (file: string) => appendFile(file, 'not json\n')],
    ['a line of another kind', async (file: string) => appendFile(file, '{"kind":"gift","fuel":1}\n')],
    [
      'a snapshot cut short',
      async () => {
        const text = await readFile(join(directory, 'ledger.json'), 'utf8')
        await writeFile(join(directory, 'ledger.json'), text.slice(0, -3))
      },
    ],
    [
      'a snapshot of a newer version',
      async () => {
        await writeFile(join(directory, 'ledger.json'), '{"version":99,"everything":"else"}')
      },
    ],
  ])('refuses costed work on %s, keeps it as it is, and says so', async (_what, damage) => {
    await damage(await withHistory())
    const before = await contents()
    const { governor, standings } = await begin()
    expect(standings).toMatchObject([{ code: 'governor.ledger_unusable' }])
    expect(governor.reserve(scope, { fuel: 1 }, minute)).toEqual({
      granted: false,
      denial: { code: 'governor.ledger_unusable', account: 'operator' },
    })
    clock.advance(minute)
    await governor.close()
    expect(await contents()).toEqual(before)
  })

  it('lets work that nothing limits over time go on', async () => {
    await appendFile(await withHistory(), 'x\n')
    const { governor } = await begin(undefined, budgetsSchema.parse({ modules: { other: limited.operator } }))
    hold(governor, 5)
    expect(governor.reserve({ module: 'other' }, { fuel: 1 }, minute).granted).toBe(false)
  })

  it('is set aside when the operator says so', async () => {
    await appendFile(await withHistory(), 'x\n')
    const { governor, standings } = await begin()
    await governor.startAnew()
    expect([standings.at(-1), used(governor)]).toEqual([null, 0])
    use(governor, 1)
    await governor.close()
    const names = await readdir(directory)
    expect(names.filter((name) => name.includes('.aside-'))).toHaveLength(2)
    expect(used((await begin()).governor)).toBe(1)
  })

  async function contents(): Promise<Record<string, string>> {
    const names = (await readdir(directory)).sort()
    return Object.fromEntries(
      await Promise.all(
        names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
      ),
    )
  }
})

describe('a disk that fails', () => {
  it('spec tools 10: keeps deferred settlements over a restart, exact and once', async () => {
    const storage = new FaultyFiles()
    const { governor } = await begin(storage)
    storage.keepsAside = true
    const before = hold(governor, 10)
    governor.reconcile(before, { fuel: 5 })
    expect(await governor.whenWritten(before)).toBe(true)
    const id = hold(governor, 10)
    storage.fault = 'store.full'
    governor.reconcile(id, { fuel: 7 })
    expect(await governor.whenWritten(id)).toBe(false)
    // The engine dies here: nothing more of it is written.
    const second = await begin(new FaultyFiles())
    expect([used(second.governor), second.events]).toEqual([12, []])
    await second.governor.close()
    const third = await begin()
    expect(used(third.governor)).toBe(12)
    await third.governor.close()
  })

  it('says whether a settlement is written, at once when it can be', async () => {
    const storage = new FaultyFiles()
    const { governor } = await begin(storage)
    const id = hold(governor, 10)
    governor.reconcile(id, { fuel: 7 })
    expect(await governor.whenWritten(id)).toBe(true)
    expect(await governor.whenWritten(id)).toBe(true)
    // The engine dies here.
    const second = await begin()
    expect(used(second.governor)).toBe(7)
    await second.governor.close()
  })

  it('defers settlements, tells their id, phase and class of error only, and writes them when it can', async () => {
    const storage = new FaultyFiles()
    const { governor, events, standings } = await begin(storage)
    const [first, second] = [hold(governor, 10), hold(governor, 10)]
    storage.fault = 'store.full'
    governor.reconcile(first, { fuel: 7 })
    governor.release(second)
    clock.advance(200)
    await until(() => expect(standings.at(-1)).toMatchObject({ code: 'store.full' }))
    const deferred = events.filter(({ kind }) => kind === 'deferred')
    expect(deferred).toEqual([
      { kind: 'deferred', id: first, phase: 'reconcile', errorClass: 'store.full' },
      { kind: 'deferred', id: second, phase: 'release', errorClass: 'store.full' },
    ])
    expect(JSON.stringify(events)).not.toContain(directory)
    expect(governor.reserve(scope, { fuel: 1 }, minute)).toMatchObject({
      denial: { code: 'governor.ledger_unusable' },
    })
    storage.fault = undefined
    clock.advance(1_000)
    await until(() => expect(governor.fault).toBeNull())
    expect(standings.at(-1)).toBeNull()
    expect(events.filter(({ kind }) => kind === 'deferred')).toHaveLength(2)
    hold(governor, 993)
    await governor.close()
    expect(used((await begin()).governor)).toBe(7)
  })

  it('is tried again ever less often, and at once when somebody asks for costed work', async () => {
    const storage = new FaultyFiles()
    const { governor } = await begin(storage)
    storage.fault = 'store.io'
    use(governor, 1)
    const tried = async (attempts: number): Promise<void> => {
      await until(() => expect(storage.attempts).toBe(attempts))
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
    }
    clock.advance(200)
    await tried(1)
    let attempts = 1
    for (const delay of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      clock.advance(delay - 1)
      await tried(attempts)
      clock.advance(1)
      await tried(++attempts)
    }
    clock.advance(1_000)
    governor.reserve(scope, { fuel: 1 }, minute)
    governor.reserve(scope, { fuel: 1 }, minute)
    await tried(++attempts)
    await governor.close()
  })

  it('loses nothing that was settled, in whatever order it works and fails and the engine is killed', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('use' as const), fuel: fc.integer({ min: 1, max: 9 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('mend' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await rm(directory, { recursive: true, force: true })
        let storage = new FaultyFiles()
        let { governor } = await begin(storage)
        let settled = 0
        let safe = 0
        const flush = async (): Promise<void> => {
          clock.advance(70_000)
          const before = storage.attempts
          await until(() => {
            if (storage.attempts === before && governor.fault !== null) clock.advance(70_000)
            expect(governor.fault === null || storage.fault !== undefined).toBe(true)
          })
        }
        for (const each of steps) {
          if (each.do === 'use') {
            const grant = governor.reserve(scope, { fuel: each.fuel }, minute)
            if (!grant.granted) continue
            governor.reconcile(grant.reservation.id, { fuel: each.fuel })
            settled += each.fuel
          } else if (each.do === 'break') storage.fault = 'store.io'
          else if (each.do === 'mend') storage.fault = undefined
          else if (each.do === 'write') {
            await flush()
          } else {
            // What an engine that is killed had not written yet is lost; what it had, is not.
            storage.fault = 'store.io'
            await governor.close()
            const kept = (await new LedgerFiles(directory).read())?.uses.get('operator|fuel|day|UTC')
            const onDisk = (kept ?? []).reduce((sum, use) => sum + use.used, 0)
            expect(onDisk).toBeGreaterThanOrEqual(safe)
            storage = new FaultyFiles()
            ;({ governor } = await begin(storage))
            expect(used(governor)).toBe(onDisk)
            settled = onDisk
          }
          expect(used(governor)).toBe(settled)
          if (each.do === 'write' && storage.fault === undefined) {
            await governor.close()
            storage = new FaultyFiles()
            ;({ governor } = await begin(storage))
            safe = settled
            expect(used(governor)).toBe(settled)
          }
        }
        storage.fault = undefined
        await governor.close()
        const last = await begin()
        expect(used(last.governor)).toBe(settled)
        await last.governor.close()
      }),
      { numRuns: 25 },
    )
  })
})
