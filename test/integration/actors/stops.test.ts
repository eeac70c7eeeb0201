import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { startActors, type TestActors } from '../../support/actors.ts'
import { closeEngines, faultOf, startEngine, type TestEngine } from '../../support/engine.ts'
import { until } from '../../support/until.ts'

let test: TestEngine

beforeAll(async () => {
  await buildActors()
  test = await startEngine()
})
afterAll(() => closeEngines())

/** About how many rows of a recursive query take a second here. */
let rowsPerSecond = 0

async function measured(actors: TestActors): Promise<number> {
  if (rowsPerSecond > 0) return rowsPerSecond
  await actors.request('probe', 'slow', { rows: 1_000 })
  const began = performance.now()
  await actors.request('probe', 'slow', { rows: 200_000 })
  rowsPerSecond = Math.round(200_000 / ((performance.now() - began) / 1_000))
  return rowsPerSecond
}

function running(actors: TestActors, key: string): Promise<void> {
  return until(async () => expect((await actors.view(key)).running).toBe(true))
}

const longLimits = { fuel_per_event: 1_000_000_000, deadline_ms: 30_000 }

describe('stopping actors', () => {
  it('spec actors-sql 20: drain: a stop waits for the running statement and fails what is queued at once', async () => {
    const actors = await startActors(test, 'probe', { moduleLimits: longLimits })
    const rows = Math.round((await measured(actors)) * 0.5)
    await actors.request('a', 'started')
    const slow = actors.request('a', 'slow', { rows })
    await running(actors, 'a')
    const queued = Array.from({ length: 20 }, (_, index) =>
      faultOf(actors.request('a', 'run', { sql: 'INSERT INTO log(text) VALUES (?)', values: [`q${index}`] })),
    )
    const control = actors.service.namespace(actors.module).actor({ key: ['a'] })
    expect(control.instance?.inFlight.value).toBe(21)
    const slept = actors.sleep('a')
    const faults = await Promise.all(queued)
    expect(control.instance?.inFlight.value).toBe(1)
    expect(faults.map(({ code }) => code)).toEqual(new Array(20).fill('sqlite.closed'))
    // In the grace: held, and served by the next generation.
    const held = actors.request('a', 'all', { sql: 'SELECT text FROM log' })
    expect(await slow).toEqual([[rows]])
    await slept
    expect(await held).toEqual([['slept']])
    expect((await actors.view('a')).generation).toBe(2)
  })

  it('spec actors-sql 20: drain timeout: everything of the generation goes, the next serves within 2 s', async () => {
    const actors = await startActors(test, 'probe', {
      moduleLimits: longLimits,
      contract: { grace_ms: 50, close_ms: 150 },
    })
    const rows = (await measured(actors)) * 20
    await actors.request('a', 'started')
    await actors.request('b', 'started')
    const context = actors.service.namespace(actors.module).context
    const control = actors.service.namespace(actors.module).actor({ key: ['a'] })
    const slow = faultOf(actors.request('a', 'slow', { rows }))
    await running(actors, 'a')
    const queued = faultOf(actors.request('a', 'started'))
    const counter = control.instance?.inFlight
    const before = counter?.observed
    expect(await faultOf(actors.sleep('a'))).toMatchObject({ code: 'actor.shutdown_timeout' })
    expect(await slow).toMatchObject({ code: 'sqlite.remote_indeterminate_result' })
    expect(await queued).toMatchObject({ code: 'sqlite.closed' })
    // All items of 11.5: entry, executor, counter, requests, timers, observers, the file and its process.
    expect([control.instance, control.current, control.queue.size, control.timers.running]).toEqual([
      undefined, undefined, 0, [],
    ]) // prettier-ignore
    expect([counter?.value, counter?.observed]).toEqual([0, before])
    expect(context.figures.drainTimeouts).toBe(1)
    const began = performance.now()
    expect([await actors.request('a', 'started'), (await actors.view('a')).lastError]).toMatchObject([
      { generation: 2 },
      null,
    ])
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('spec actors-sql 20: statement timeout: SQL and loops end at their budget, siblings restart, files stay intact', async () => {
    const actors = await startActors(test, 'probe', {
      moduleLimits: { deadline_ms: 1_500 },
      budgets: { statement_ms: 400 },
    })
    await test.engine.modules.setLimits(actors.module, { fuelPerCall: 10 ** 13, deadlineMs: 1_500 })
    const rows = (await measured(actors)) * 60
    for (const key of ['a', 'b']) await actors.request(key, 'append', { id: key })
    const began = performance.now()
    expect(await faultOf(actors.request('a', 'slow', { rows }))).toMatchObject({
      code: 'sqlite.statement_timeout',
    })
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(await faultOf(actors.request('a', 'slow-write', { rows }))).toMatchObject({
      code: 'sqlite.remote_indeterminate_result',
    })
    expect(await actors.request('b', 'started')).toMatchObject({ cause: 'restarted' })
    for (const key of ['a', 'b']) {
      expect(await actors.request(key, 'all', { sql: 'PRAGMA integrity_check' })).toEqual([['ok']])
      expect(await actors.request(key, 'all', { sql: 'SELECT count FROM total' })).toEqual([[1]])
    }
    expect(await faultOf(actors.request('a', 'loop'))).toMatchObject({
      code: 'sqlite.remote_indeterminate_result',
    })
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([['a']])
  })

  it('spec actors-sql 20: no blocking: while one actor queries, others answer, stop and start', async () => {
    const actors = await startActors(test, 'probe', { moduleLimits: longLimits })
    const rows = (await measured(actors)) * 3
    for (const key of ['a', 'b', 'c']) await actors.request(key, 'started')
    const slow = actors.request('a', 'slow', { rows })
    await running(actors, 'a')
    let began = performance.now()
    await actors.request('b', 'all', { sql: 'SELECT 1' })
    const answered = performance.now() - began
    began = performance.now()
    await actors.sleep('c')
    const stopped = performance.now() - began
    expect((await actors.view('a')).running).toBe(true)
    await slow
    // 100 ms on a machine of its own; the cores here are shared with other tests.
    expect([answered < 400, stopped < 800]).toEqual([true, true])
  })

  it('spec actors-sql 20: fairness: the 129th request of an actor is refused at once, others are not held up by it', async () => {
    const actors = await startActors(test, 'probe', { moduleLimits: longLimits })
    await actors.request('a', 'started')
    await actors.request('b', 'started')
    const first = actors.request('a', 'slow', { rows: 400_000 })
    await running(actors, 'a')
    const others = Array.from({ length: 128 }, () => actors.request('a', 'all', { sql: 'SELECT 1' }))
    expect(await faultOf(actors.request('a', 'started'))).toMatchObject({ code: 'actor.overloaded' })
    let done = false
    void first.then(() => {
      done = true
    })
    await actors.request('b', 'all', { sql: 'SELECT 1' })
    expect(done).toBe(false)
    await Promise.all([first, ...others])
  })

  it('spec actors-sql 20: fence, request: wrong generations, modules and actors are told apart as far as they may be', async () => {
    const actors = await startActors(test, 'probe')
    await actors.request('a', 'started')
    const { service } = actors
    const send = (module: string, address: Parameters<typeof service.sleep>[1]) =>
      faultOf(service.tables(module, address))
    for (const generation of [2, 9]) {
      expect(await send(actors.module, { key: ['a'], generation })).toMatchObject({
        code: 'sqlite.remote_fence_mismatch',
        details: { presented: generation, current: 1 },
      })
    }
    expect(await send(actors.module, { key: ['nobody'] })).toMatchObject({ code: 'actor.not_found' })
    expect((await actors.page()).total).toBe(1)
  })

  it('kills of a host: requests under way are lost, siblings come back restarted', async () => {
    const actors = await startActors(test, 'probe', { moduleLimits: longLimits })
    for (const key of ['a', 'b']) await actors.request(key, 'append', { id: key })
    const slow = faultOf(actors.request('a', 'slow', { rows: 3_000_000 }))
    await running(actors, 'a')
    for (const pid of actors.pids()) process.kill(pid, 'SIGKILL')
    expect(await slow).toMatchObject({ code: 'actor.host_lost' })
    expect(await actors.request('b', 'started')).toMatchObject({ cause: 'restarted', generation: 2 })
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([['a']])
    expect(actors.test.view(actors.module)).toMatchObject({ run: 1, status: { state: 'running' } })
  })
})
