import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { budgetDimensions, budgetsSchema, type Budgets } from '../../shared/domain/budgets.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { GovernorEvent } from './events.ts'
import { denialError } from './denials.ts'
import { Governor, sweepEveryMs, type Reservation } from './governor.ts'

type BudgetsInput = Parameters<typeof budgetsSchema.parse>[0]

const minute = 60_000
const hour = 60 * minute

async function setUp(
  input: BudgetsInput = {},
  start = Date.UTC(2026, 0, 14, 12),
): Promise<{
  governor: Governor
  clock: ManualClock
  events: GovernorEvent[]
  kinds: () => string[]
}> {
  const clock = new ManualClock(start)
  const events: GovernorEvent[] = []
  const governor = new Governor({
    clock,
    storage: null,
    budgets: budgets(input),
    onEvent: (event) => events.push(event),
  })
  await governor.start()
  return { governor, clock, events, kinds: () => events.map(({ kind }) => kind) }
}

function budgets(input: BudgetsInput): Budgets {
  return budgetsSchema.parse(input)
}

function hold(
  governor: Governor,
  estimate: Parameters<Governor['reserve']>[1],
  module = 'counter',
): Reservation {
  const grant = governor.reserve({ module, contract: 'event-module' }, estimate, minute)
  if (!grant.granted) throw denialError(grant.denial)
  return grant.reservation
}

function use(governor: Governor, amounts: Parameters<Governor['reserve']>[1], module = 'counter'): void {
  governor.reconcile(hold(governor, amounts, module).id, amounts)
}

const daily = (dimension: string, limit: number): object => ({ dimension, limit, period: 'day' })

describe('accounts', () => {
  it('grant everything without limits', async () => {
    const { governor, kinds } = await setUp()
    const { id } = hold(governor, { fuel: 1e15, usd: 3 })
    expect(governor.open).toBe(1)
    governor.release(id)
    expect([governor.open, kinds()]).toEqual([0, ['requested', 'granted', 'released']])
  })

  it.each([
    ['operator', { operator: [daily('fuel', 10)] }, 'operator'],
    ['module', { modules: { counter: [daily('fuel', 10)] } }, 'operator/module/counter'],
    [
      'contract',
      { contracts: { 'event-module': [daily('fuel', 10)] } },
      'operator/module/counter/contract/event-module',
    ],
  ])('deny by the limit of the %s with all it takes to see why', async (_level, input, account) => {
    const { governor, events } = await setUp(input)
    use(governor, { fuel: 3 })
    hold(governor, { fuel: 5 })
    expect(governor.reserve({ module: 'counter', contract: 'event-module' }, { fuel: 3 }, minute)).toEqual({
      granted: false,
      denial: {
        code: 'governor.limit_exceeded',
        account,
        dimension: 'fuel',
        period: 'day',
        limit: 10,
        used: 3,
        held: 5,
        requested: 3,
      },
    })
    expect(events.at(-1)).toMatchObject({ kind: 'denied', denial: { account } })
    hold(governor, { fuel: 2 })
  })

  it('hold nothing anywhere when one level denies', async () => {
    const { governor } = await setUp({
      operator: [daily('fuel', 100)],
      modules: { counter: [daily('fuel', 1)] },
    })
    expect(() => hold(governor, { fuel: 2 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
    expect(governor.standings().map(({ held }) => held)).toEqual([0, 0])
    hold(governor, { fuel: 100 }, 'other')
  })

  it('name the shallowest account first, then the first dimension', async () => {
    const { governor } = await setUp({
      operator: [daily('invocations', 0), daily('usd', 0)],
      modules: { counter: [daily('usd', 0)] },
    })
    const grant = governor.reserve({ module: 'counter' }, { usd: 1, invocations: 1 }, minute)
    expect(grant).toMatchObject({ denial: { account: 'operator', dimension: 'usd' } })
  })

  it('count above the estimate, and let a deeper limit not loosen a shallower one', async () => {
    const { governor } = await setUp({
      operator: [daily('fuel', 10)],
      modules: { counter: [daily('fuel', 1_000)] },
    })
    governor.reconcile(hold(governor, { fuel: 1 }).id, { fuel: 12 })
    expect(() => hold(governor, { fuel: 1 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
    expect(governor.standings().map(({ account, used }) => [account, used])).toEqual([
      ['operator', 12],
      ['operator/module/counter', 12],
    ])
  })

  it('read 0 as nothing allowed', async () => {
    const { governor } = await setUp({
      modules: { counter: [{ dimension: 'http_requests', limit: 0, period: 'call' }] },
    })
    expect(() => hold(governor, { http_requests: 1 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
    hold(governor, { http_requests: 0 })
    hold(governor, { http_requests: 1 }, 'other')
  })

  it('count slots only while they are held', async () => {
    const { governor } = await setUp({ operator: [{ dimension: 'concurrency_slots', limit: 2 }] })
    const first = hold(governor, { concurrency_slots: 1 })
    hold(governor, { concurrency_slots: 1 }, 'other')
    expect(() => hold(governor, { concurrency_slots: 1 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
    governor.reconcile(first.id, { concurrency_slots: 1 })
    hold(governor, { concurrency_slots: 1 })
  })

  it('do not mistake names for what every object has', async () => {
    const { governor } = await setUp()
    for (const module of ['__proto__', 'constructor', 'toString'])
      governor.release(hold(governor, { fuel: 1 }, module).id)
    expect(governor.open).toBe(0)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuse %d as an estimate', async (fuel) => {
    const { governor } = await setUp()
    expect(() => hold(governor, { fuel })).toThrow(
      expect.objectContaining({ code: 'governor.invalid_estimate' }),
    )
    expect(governor.open).toBe(0)
  })

  it('count the estimate where the use told is no amount, and hold nothing on', async () => {
    const { governor } = await setUp({ operator: [daily('fuel', 10), daily('invocations', 10)] })
    const { id } = hold(governor, { fuel: 4, invocations: 1 })
    expect(() => governor.reconcile(id, { fuel: Number.NaN, invocations: 1 })).toThrow(
      expect.objectContaining({ code: 'governor.invalid_estimate' }),
    )
    expect(governor.standings().map(({ dimension, used, held }) => [dimension, used, held])).toEqual([
      ['fuel', 4, 0],
      ['invocations', 1, 0],
    ])
  })
})

describe('settlements', () => {
  it('happen once: later ones and unknown ids are told apart', async () => {
    const { governor } = await setUp({ operator: [daily('fuel', 100)] })
    const { id } = hold(governor, { fuel: 5 })
    governor.reconcile(id, { fuel: 5 })
    for (const again of [() => governor.reconcile(id, { fuel: 5 }), () => governor.release(id)]) {
      expect(again).toThrow(expect.objectContaining({ code: 'governor.reservation_closed' }))
    }
    for (const never of ['1-999', '7-1', 'x', '']) {
      expect(() => governor.release(never)).toThrow(
        expect.objectContaining({ code: 'governor.unknown_reservation' }),
      )
    }
    expect(governor.standings()[0]).toMatchObject({ used: 5, held: 0 })
  })
})

describe('periods', () => {
  it('per call never adds up', async () => {
    const { governor } = await setUp({ operator: [{ dimension: 'fuel', limit: 10, period: 'call' }] })
    for (let call = 0; call < 5; call += 1) use(governor, { fuel: 10 })
    hold(governor, { fuel: 10 })
    hold(governor, { fuel: 10 })
    expect(() => hold(governor, { fuel: 11 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
  })

  it('the rolling day forgets what is older than 24 hours, and nothing younger', async () => {
    const { governor, clock } = await setUp({
      operator: [{ dimension: 'fuel', limit: 10, period: 'rolling-24h' }],
    })
    use(governor, { fuel: 4 })
    clock.advance(12 * hour)
    use(governor, { fuel: 6 })
    clock.advance(12 * hour - 1)
    expect(governor.standings()[0]!.used).toBe(10)
    clock.advance(11 * minute)
    expect(governor.standings()[0]!.used).toBe(6)
    use(governor, { fuel: 4 })
    clock.advance(12 * hour)
    expect(governor.standings()[0]!.used).toBe(4)
  })

  it.each([
    // 12:00 UTC on Wednesday 14 January is 01:00 on Thursday in Auckland.
    ['day', 'UTC', 12 * hour],
    ['day', 'Pacific/Auckland', 23 * hour - 0],
    ['week', 'UTC', 12 * hour + 4 * 24 * hour],
    ['month', 'UTC', 12 * hour + 17 * 24 * hour],
    ['day', 'Asia/Kathmandu', 6 * hour + 15 * minute],
  ])('a %s ends at midnight in %s', async (period, timeZone, untilEnd) => {
    const { governor, clock } = await setUp({
      timeZone,
      operator: [{ dimension: 'fuel', limit: 10, period }],
    })
    use(governor, { fuel: 10 })
    clock.advance(untilEnd - minute)
    expect(() => hold(governor, { fuel: 1 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
    clock.advance(minute)
    use(governor, { fuel: 10 })
  })

  it('a clock set back makes nothing unused', async () => {
    const now = Date.UTC(2026, 0, 14, 12)
    let time = now
    const clock = new ManualClock(now)
    const governor = new Governor({
      clock: {
        now: () => time,
        monotonicMs: () => 0,
        after: clock.after.bind(clock),
        every: clock.every.bind(clock),
      },
      storage: null,
      budgets: budgets({ operator: [daily('fuel', 10)] }),
    })
    await governor.start()
    use(governor, { fuel: 10 })
    time -= 48 * hour
    expect(() => hold(governor, { fuel: 1 })).toThrow(
      expect.objectContaining({ code: 'governor.limit_exceeded' }),
    )
  })

  it('another limit keeps the use of its period, another period starts anew', async () => {
    const { governor } = await setUp({ operator: [daily('fuel', 10)] })
    use(governor, { fuel: 8 })
    governor.setBudgets(budgets({ operator: [daily('fuel', 20)] }))
    expect(governor.standings()[0]).toMatchObject({ limit: 20, used: 8 })
    governor.setBudgets(budgets({ operator: [{ dimension: 'fuel', limit: 20, period: 'week' }] }))
    expect(governor.standings()[0]!.used).toBe(0)
  })

  it('limits that come or go while something is held leave nothing held', async () => {
    const { governor } = await setUp()
    const before = hold(governor, { fuel: 8 })
    governor.setBudgets(budgets({ operator: [daily('fuel', 10)] }))
    expect(governor.standings()[0]!.held).toBe(8)
    const during = hold(governor, { fuel: 2 })
    governor.reconcile(before.id, { fuel: 7 })
    expect(governor.standings()[0]).toMatchObject({ used: 7, held: 2 })
    governor.setBudgets(budgets({}))
    governor.release(during.id)
    governor.setBudgets(budgets({ operator: [daily('fuel', 10)] }))
    expect(governor.standings()[0]).toMatchObject({ used: 7, held: 0 })
  })
})

describe('warnings', () => {
  it('come once a period, from the share set', async () => {
    const { governor, clock, kinds } = await setUp({ operator: [{ ...daily('fuel', 10), warnAt: 0.5 }] })
    const warnings = (): number => kinds().filter((kind) => kind === 'warned').length
    use(governor, { fuel: 4 })
    use(governor, { fuel: 1 })
    expect(warnings()).toBe(0)
    use(governor, { fuel: 1 })
    use(governor, { fuel: 1 })
    expect(warnings()).toBe(1)
    clock.advance(24 * hour)
    use(governor, { fuel: 9 })
    use(governor, { fuel: 1 })
    expect(warnings()).toBe(2)
  })
})

describe('orphans', () => {
  it('are swept when their time is up; what is renewed is not, however old', async () => {
    const { governor, clock, events } = await setUp({ operator: [daily('fuel', 10)] })
    const left = hold(governor, { fuel: 5 })
    const renewed = hold(governor, { fuel: 5 })
    for (let elapsed = 0; elapsed < 10 * minute; elapsed += 10_000) {
      clock.advance(10_000)
      governor.renew(renewed.id)
    }
    expect(events.filter(({ kind }) => kind === 'swept')).toEqual([
      { kind: 'swept', id: left.id, scope: left.lane.label, ageMs: minute },
    ])
    expect([governor.open, governor.standings()[0]!.held]).toEqual([1, 5])
    clock.advance(minute + sweepEveryMs)
    expect(governor.open).toBe(0)
  })

  it('still count when they report late', async () => {
    const { governor, clock } = await setUp({ operator: [daily('fuel', 10)] })
    const late = hold(governor, { fuel: 5 })
    clock.advance(minute + sweepEveryMs)
    expect(() => governor.reconcile(late.id, { fuel: 3 })).toThrow(
      expect.objectContaining({ code: 'governor.reservation_closed' }),
    )
    expect(() => governor.reconcile(late.id, { fuel: 3 })).toThrow(
      expect.objectContaining({ code: 'governor.reservation_closed' }),
    )
    expect(governor.standings()[0]).toMatchObject({ used: 3, held: 0 })
  })
})

describe('any order of reservations and settlements', () => {
  it('keeps within every limit, and leaves nothing held', async () => {
    const module = fc.constantFrom('a', 'b')
    const amount = fc.record({
      fuel: fc.nat(40),
      usd: fc.double({ min: 0, max: 1, noNaN: true }),
      invocations: fc.constant(1),
    })
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('reserve' as const), module, estimate: amount }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('reconcile' as const),
          at: fc.nat(10),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), at: fc.nat(10) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(2 * minute) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { governor, clock, events } = await setUp({
          operator: [daily('fuel', 200), daily('usd', 2)],
          modules: { a: [daily('fuel', 100), daily('invocations', 5)] },
        })
        const open = new Map<string, Reservation>()
        const at = (index: number): Reservation | undefined =>
          [...open.values()][index % Math.max(1, open.size)]
        for (const each of steps) {
          if (each.do === 'reserve') {
            const grant = governor.reserve({ module: each.module, contract: 'c' }, each.estimate, minute)
            if (grant.granted) open.set(grant.reservation.id, grant.reservation)
          } else if (each.do === 'advance') {
            clock.advance(each.ms)
          } else {
            const reservation = at(each.at)
            if (reservation === undefined) continue
            if (each.do === 'release') governor.release(reservation.id)
            else {
              const part = Object.fromEntries(
                budgetDimensions.map((dimension, index) => [
                  dimension,
                  reservation.amounts[index]! * each.share,
                ]),
              )
              governor.reconcile(reservation.id, part)
            }
            open.delete(reservation.id)
          }
          for (const event of events.splice(0)) if (event.kind === 'swept') open.delete(event.id)
          expect(governor.open).toBe(open.size)
          for (const { used, held, limit } of governor.standings())
            expect(used + held).toBeLessThanOrEqual(limit + 1e-9)
        }
        for (const id of open.keys()) governor.release(id)
        expect(governor.standings().map(({ held }) => held)).toEqual(governor.standings().map(() => 0))
      }),
      { numRuns: 200 },
    )
  })
})

describe('the budgets of the settings', () => {
  it.each([
    [{ operator: [daily('fuels', 1)] }],
    [{ operator: [daily('fuel', -1)] }],
    [{ timeZone: 'Mars/Olympus' }],
    [{ operators: [] }],
    [{ modules: { '../x': [] } }],
    [{ operator: [{ dimension: 'fuel', limit: 1, period: 'year' }] }],
  ])('refuse %j', (input) => {
    expect(budgetsSchema.safeParse(input).success).toBe(false)
  })
})

describe('spec tools 12: governor: approval and hand-over', () => {
  const limited = (pauseAt?: number): ReturnType<typeof setUp> =>
    setUp({
      operator: [
        { dimension: 'fuel', limit: 100, period: 'day', ...(pauseAt === undefined ? {} : { pauseAt }) },
      ],
    })

  it('asks a person from the share of a limit on, tells all warnings, and goes on once one agreed', async () => {
    const { governor, events } = await limited(0.9)
    const first = governor.reserve({}, { fuel: 90 }, 60_000)
    if (!first.granted) throw denialError(first.denial)
    governor.reconcile(first.reservation.id, { fuel: 90 })
    expect(governor.reserve({}, { fuel: 5 }, 60_000)).toMatchObject({
      granted: false,
      denial: {
        code: 'governor.requires_approval',
        account: 'operator',
        dimension: 'fuel',
        used: 90,
        limit: 100,
      },
    })
    expect(events.filter(({ kind }) => kind === 'warned')).toHaveLength(1)
    expect(governor.reserve({}, { fuel: 11 }, 60_000)).toMatchObject({
      denial: { code: 'governor.limit_exceeded' },
    })
    expect(governor.reserve({}, { fuel: 11 }, 60_000, { approved: true })).toMatchObject({
      denial: { code: 'governor.limit_exceeded' },
    })
    expect(governor.reserve({}, { fuel: 5 }, 60_000, { approved: true })).toMatchObject({ granted: true })
  })

  it('asks nobody without a share', async () => {
    const { governor } = await limited()
    const first = governor.reserve({}, { fuel: 95 }, 60_000)
    if (!first.granted) throw denialError(first.denial)
    governor.reconcile(first.reservation.id, { fuel: 95 })
    expect(governor.reserve({}, { fuel: 5 }, 60_000)).toMatchObject({ granted: true })
  })

  it('checks a hand-over before anything changes', async () => {
    const { governor } = await limited()
    const scope = { module: 'a', contract: 'tool' }
    const grant = governor.reserve(scope, { fuel: 10 }, 60_000)
    if (!grant.granted) throw denialError(grant.denial)
    const { id } = grant.reservation
    const lane = governor.lane(scope)
    const code = (work: () => unknown): unknown => {
      try {
        work()
        return null
      } catch (error) {
        return error instanceof PaddockError ? error.code : error
      }
    }
    expect(code(() => governor.takeOver(id, governor.lane({ module: 'b' }), { fuel: 1 }))).toBe(
      'governor.reservation_mismatch',
    )
    expect(code(() => governor.takeOver(id, lane, { fuel: 11 }))).toBe('governor.reservation_mismatch')
    expect(code(() => governor.takeOver('0-99', lane, {}))).toBe('governor.unknown_reservation')
    expect(governor.open).toBe(1)
    expect(governor.takeOver(id, lane, { fuel: 10 }).id).toBe(id)
    governor.release(id)
    expect(code(() => governor.takeOver(id, lane, {}))).toBe('governor.reservation_closed')
    expect(governor.open).toBe(0)
  })
})
