import { readdir } from 'node:fs/promises'
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

function files(actors: TestActors): Promise<string[]> {
  const { directory } = actors.service.namespace(actors.module).context.files
  return readdir(directory)
}

describe('actors', () => {
  it('spec actors-sql 20: own database: two actors of one module see their own rows only', async () => {
    const actors = await startActors(test, 'probe')
    await Promise.all(
      ['a', 'b'].map((key) =>
        actors.request(key, 'exec', { sql: `INSERT INTO log(text) VALUES ('${key}')` }),
      ),
    )
    for (const key of ['a', 'b']) {
      expect(await actors.request(key, 'all', { sql: 'SELECT text FROM log' })).toEqual([[key]])
    }
  })

  it('spec actors-sql 20: lazy open: an actor that calls no SQL leaves no file; 50 first calls make one generation', async () => {
    const actors = await startActors(test, 'lazy')
    await actors.request('quiet', 'echo', 1)
    expect((await files(actors)).filter((name) => name.endsWith('.db'))).toEqual([])
    await Promise.all(Array.from({ length: 50 }, () => actors.request('busy', 'touch')))
    expect((await files(actors)).filter((name) => name.endsWith('.db'))).toHaveLength(1)
    expect((await actors.view('busy')).generation).toBe(1)
  })

  it('spec actors-sql 20: reuse and fresh start: after sleep and wake a new generation has the old rows', async () => {
    const actors = await startActors(test, 'probe')
    await actors.request('a', 'run', { sql: 'INSERT INTO log(text) VALUES (?)', values: ['one'] })
    expect(await actors.request('a', 'started')).toMatchObject({
      cause: 'created',
      generation: 1,
      key: ['a'],
    })
    await actors.sleep('a')
    expect(await actors.view('a')).toMatchObject({ state: 'sleeping', pid: null })
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([['one'], ['slept']])
    expect(await actors.request('a', 'started')).toMatchObject({ cause: 'woken', generation: 2 })
  })

  it('spec actors-sql 20: destroy: files gone, the same key begins empty on a higher generation', async () => {
    const actors = await startActors(test, 'probe')
    await actors.request('a', 'run', { sql: 'INSERT INTO log(text) VALUES (?)', values: ['one'] })
    const before = (await actors.view('a')).generation
    await actors.destroy('a')
    expect((await files(actors)).filter((name) => name.includes('.db'))).toEqual([])
    expect((await actors.page()).total).toBe(0)
    expect(await faultOf(actors.sleep('a'))).toMatchObject({ code: 'actor.not_found' })
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([])
    expect(await actors.request('a', 'started')).toMatchObject({ cause: 'created' })
    expect((await actors.view('a')).generation).toBeGreaterThan(before)
  })

  it('spec actors-sql 20: trap: the next request runs on a new generation, the transaction is rolled back', async () => {
    const actors = await startActors(test, 'probe')
    expect(await faultOf(actors.request('a', 'trap'))).toMatchObject({ code: 'wasm.trap' })
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([])
    expect(await actors.request('a', 'started')).toMatchObject({ cause: 'restarted', generation: 2 })
  })

  it('answers the errors of the guest as callers may see them', async () => {
    const actors = await startActors(test, 'probe')
    expect(await faultOf(actors.request('a', 'nothing'))).toMatchObject({ code: 'actor.invalid_operation' })
    expect(await faultOf(actors.request('a', 'fail'))).toMatchObject({
      code: 'guest.error',
      details: { code: 'no_luck', message: 'not today', metadata: '{"why":1}' },
    })
    const internal = await faultOf(actors.request('a', 'internal'))
    expect(internal).toMatchObject({ code: 'guest.error', details: { code: 'internal_error' } })
    expect(JSON.stringify(internal)).not.toContain('secret')
    expect(await faultOf(actors.request('a', 'leave-open'))).toMatchObject({
      code: 'actor.transaction_left_open',
    })
    expect((await actors.view('a')).generation).toBe(1)
  })

  it('spec actors-sql 18: finds actors by a part of their key, awake ones first, and tells what each ran', async () => {
    const actors = await startActors(test, 'probe')
    const { service, module } = actors
    for (const key of ['Anna', 'hanna', 'bert']) await actors.request(key, 'started')
    await actors.sleep('Anna')
    const found = await service.search(module, 'ANNA', 10)
    expect(found.actors.map(({ key, state }) => [key[0], state])).toEqual([
      ['hanna', 'running'],
      ['Anna', 'sleeping'],
    ])
    expect(found).toMatchObject({ total: 2, awake: 2, next: null, idleMs: 30_000, quotaBytes: 268_435_456 })
    expect(await service.search(module, '', 1)).toMatchObject({ total: 3, actors: { length: 1 } })
    expect(await service.view(module, ['nobody'])).toBeNull()
    await actors.request('bert', 'run', { sql: 'INSERT INTO log(text) VALUES (?)', values: ['one'] })
    const bert = await service.view(module, ['bert'])
    expect(bert).toMatchObject({ key: ['bert'], requests: 2, state: 'running' })
    expect(bert?.since).toBeGreaterThan(bert?.createdAt ?? 0)
    const { recent } = await service.info(module, { key: ['bert'] })
    expect(recent.at(-1)).toMatchObject({
      sql: 'INSERT INTO log(text) VALUES (?)',
      route: 'write',
      rows: 1,
      code: null,
    })
    // To look is no request.
    expect((await service.view(module, ['bert']))?.requests).toBe(2)
  })

  it('spec actors-sql 20: sleep: an idle actor sleeps, one with SQL in flight does not, its process goes empty', async () => {
    const actors = await startActors(test, 'probe', { contract: { idle_ms: 50 } })
    await actors.request('a', 'started')
    await until(async () => expect(await actors.view('a')).toMatchObject({ state: 'sleeping' }))
    const slow = actors.request('a', 'slow', { rows: 300_000 })
    await until(async () => expect(await actors.view('a')).toMatchObject({ state: 'running', running: true }))
    await slow
    expect((await actors.view('a')).generation).toBe(2)
  })
})
