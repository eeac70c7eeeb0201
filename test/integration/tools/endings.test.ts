/** How calls are stopped and settled, whatever dies on the way (spec tools 10, 12). */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { LocalWeb } from '../../support/local-web.ts'
import { failureOf, nothingHeld, TestTools } from '../../support/tool-engine.ts'
import { until } from '../../support/until.ts'

let tools: TestTools
const web = new LocalWeb()

const wait = { deed: 'wait' }
const count = { deed: 'count' }
const limit = (dimension: string): object => ({ dimension, limit: 1_000_000_000, period: 'day' })

beforeAll(async () => {
  await web.start()
  tools = await TestTools.start({
    budgets: {
      operator: ['invocations', 'network_egress_bytes', 'wall_clock_ms', 'http_requests'].map(limit),
    },
  })
  await tools.load({ name: 'probe', ports: [web.port] })
  await tools.load({ name: 'hand', component: 'hand' })
}, 120_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
  await web.stop()
})

function used(dimension: string): number {
  const standing = tools.test.engine.governor.standings().find((each) => each.dimension === dimension)
  return standing?.used ?? -1
}

function running(): number {
  return tools.service.all.reduce((sum, { counts }) => sum + counts.running, 0)
}

describe('cancellation', () => {
  it('spec tools 14 cancellation: ends the request under way, lets none follow, and counts what was sent', async () => {
    const [bytesBefore, requestsBefore] = [used('network_egress_bytes'), used('http_requests')]
    web.received.length = 0
    web.handler = () => undefined
    const leave = new AbortController()
    const post = {
      do: 'http',
      method: 'POST',
      url: `http://127.0.0.1:${web.port}/a`,
      body: 'x'.repeat(1_000),
    }
    const states: string[] = []
    let heldAtEnd = -1
    const call = tools.call(
      'probe',
      { steps: [post, post, post] },
      {
        signal: leave.signal,
        onProgress: ({ state }) => {
          states.push(state)
          if (state === 'settling') heldAtEnd = tools.test.engine.governor.open
        },
      },
    )
    await until(() => expect(web.received).toHaveLength(1))
    leave.abort()
    const view = await call
    expect(failureOf(view)).toMatchObject({ kind: 'cancelled' })
    expect(states).toEqual(['queued', 'running', 'stopping', 'settling', 'settled'])
    expect(heldAtEnd).toBe(1)
    expect(web.received).toHaveLength(1)
    expect(view.usage).toMatchObject({ egressBytes: 1_000, httpRequests: 1 })
    expect(used('network_egress_bytes') - bytesBefore).toBe(1_000)
    expect(used('http_requests') - requestsBefore).toBe(1)
    expect(tools.held).toEqual(nothingHeld)
  })

  it('spec tools 14 cancellation: one that waits leaves at once and is released', async () => {
    const before = used('invocations')
    const leave = new AbortController()
    leave.abort()
    const view = await tools.call('hand', count, { signal: leave.signal })
    expect(failureOf(view)).toMatchObject({ kind: 'cancelled' })
    expect(view.usage.wallMs).toBe(0)
    expect(used('invocations')).toBe(before)
    expect(tools.held).toEqual(nothingHeld)
  })
})

describe('a runner that dies', () => {
  it('spec tools 14 crash recovery: fails its calls as executor, frees what they held, and works again', async () => {
    const call = tools.call('hand', wait)
    await until(() => expect(running()).toBe(1))
    const [pid] = tools.service.pool.pids(tools.service.list().length > 0 ? keyOf('hand') : '')
    process.kill(pid ?? 0, 'SIGKILL')
    expect(failureOf(await call)).toMatchObject({ kind: 'executor', code: 'execution_failed' })
    expect(tools.held).toEqual(nothingHeld)
    expect(await tools.output('hand', count)).toBe(1)
  })

  it('spec tools 9: quarantines a component that kills a second one within a minute, until it is installed again', async () => {
    const call = tools.call('hand', wait)
    await until(() => expect(running()).toBe(1))
    for (const pid of tools.service.pool.pids(keyOf('hand'))) process.kill(pid, 'SIGKILL')
    expect(failureOf(await call)).toMatchObject({ kind: 'executor' })
    expect(await tools.failure('hand', count)).toMatchObject({ kind: 'executor', code: 'quarantined' })
    expect(tools.service.list().find(({ module }) => module === 'hand')).toMatchObject({
      state: 'quarantined',
      error: { code: 'tool.quarantined' },
    })
    expect(await tools.output('probe', { step: { do: 'answer', value: 1 } })).toBe(1)
    await tools.test.engine.modules.remove('hand', true)
    await tools.load({ name: 'hand', component: 'hand' })
    expect(await tools.output('hand', count)).toBe(1)
    expect(tools.held).toEqual(nothingHeld)
  })
})

describe('settlement', () => {
  const reserve = (module: string): string => {
    const { governor } = tools.test.engine
    const estimate = {
      wall_clock_ms: 60_000,
      output_bytes: 1_048_576,
      network_egress_bytes: 1_048_576,
      http_requests: 50,
      invocations: 1,
      concurrency_slots: 1,
    }
    const grant = governor.reserve({ module, contract: 'tool' }, estimate, 120_000)
    if (!grant.granted) throw new Error(grant.denial.code)
    return grant.reservation.id
  }

  it('spec tools 14 early exits: settles what an outer layer reserved, however early the call ends', async () => {
    tools.service.setPermission('hand', 'hand', 'deny')
    expect(await tools.failure('hand', count, { reservation: reserve('hand') })).toMatchObject({
      kind: 'policy_denied',
    })
    tools.service.setPermission('hand', 'hand', null)
    expect(await tools.failure('hand', { deed: 1 }, { reservation: reserve('hand') })).toMatchObject({
      kind: 'input_encode',
    })
    const leave = new AbortController()
    leave.abort()
    const left = await tools.call('hand', count, { reservation: reserve('hand'), signal: leave.signal })
    expect(failureOf(left).kind).toBe('cancelled')
    expect((await tools.call('hand', count, { reservation: reserve('hand') })).outcome?.ok).toBe(true)
    expect(tools.held).toEqual(nothingHeld)
    // One that is not for it is refused before anything else, and stays with who holds it.
    const other = reserve('probe')
    expect(await tools.failure('hand', count, { reservation: other })).toMatchObject({
      kind: 'resource',
      code: 'governor.reservation_mismatch',
    })
    tools.test.engine.governor.release(other)
    expect(tools.held).toEqual(nothingHeld)
  })

  it('spec tools 14 governor: says which limit has no room, as resource', async () => {
    const { engine } = tools.test
    const before = {
      operator: ['invocations', 'network_egress_bytes', 'wall_clock_ms', 'http_requests'].map(limit),
    }
    engine.setBudgets(
      tools.budgets({
        ...before,
        modules: { hand: [{ dimension: 'invocations', limit: 0, period: 'call' }] },
      }),
    )
    expect(await tools.failure('hand', count)).toMatchObject({ kind: 'resource', code: 'limit_exceeded' })
    expect((await tools.call('probe', { step: { do: 'answer', value: 1 } })).outcome?.ok).toBe(true)
    engine.setBudgets(tools.budgets(before))
    expect((await tools.call('hand', count)).outcome?.ok).toBe(true)
  })
})

it('spec tools 14 settlement: a success that cannot be settled is resource, a failure stays itself; both are written later, exact', async () => {
  const other = await TestTools.start({
    budgets: { operator: [limit('invocations')] },
  })
  try {
    await other.load({ name: 'hand', component: 'hand', limits: { timeout_ms: 700 } })
    const folder = join(other.test.stateDir, 'budgets')
    await mkdir(folder, { recursive: true })
    await rename(folder, `${folder}.away`)
    await writeFile(folder, 'not a folder')
    const calls = [other.call('hand', { deed: 'print' }), other.call('hand', wait)]
    const good = other.call('hand', count)
    expect(failureOf(await good)).toMatchObject({
      kind: 'resource',
      code: 'settlement_failed',
      settlementDeferred: true,
    })
    for (const view of await Promise.all(calls)) {
      expect(failureOf(view)).toMatchObject({ kind: 'guest', settlementDeferred: true })
    }
    const lines = await other.test.engine.logs.query({ module: 'hand' }, null, 500)
    const told = lines.records.filter(({ event }) => event === 'settlement_deferred')
    expect(told).toHaveLength(3)
    for (const { message } of told) expect(message).toMatch(/^Reservation \d+-\d+ could not be settled\.$/)
    await rm(folder)
    await rename(`${folder}.away`, folder)
    await until(() => expect(other.test.engine.governor.fault).toBeNull())
    expect(other.test.engine.governor.standings()[0]?.used).toBe(3)
    expect(other.service.history({ limit: 9 }).map(({ state }) => state)).toEqual([
      'settled',
      'settled',
      'settled',
    ])
    expect((await other.call('hand', count)).outcome?.ok).toBe(true)
    expect(other.test.engine.governor.standings()[0]?.used).toBe(4)
  } finally {
    await other.close()
  }
}, 60_000)

function keyOf(module: string): string {
  return tools.service.all.find((each) => each.module === module)?.tool?.key ?? ''
}
