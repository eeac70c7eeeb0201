import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { startActors } from '../../support/actors.ts'
import { closeEngines, faultOf, startEngine, type TestEngine } from '../../support/engine.ts'
import { until } from '../../support/until.ts'

let test: TestEngine

beforeAll(async () => {
  await buildActors()
  test = await startEngine()
})
afterAll(() => closeEngines())

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('the life of actors in an engine', () => {
  it('spec actors-sql 20: registry modes: first requests at once share one process; a stop meanwhile leaves nothing running', async () => {
    const actors = await startActors(test, 'lazy')
    const keys = Array.from({ length: 16 }, (_, index) => `k${index}`)
    await Promise.all(keys.map((key) => actors.request(key, 'echo', 1)))
    expect((await actors.page()).processes).toBe(1)
    const { hosts } = actors.service.namespace(actors.module).context
    const more = keys.map((key) => faultOf(actors.request(`${key}-more`, 'echo', 1)))
    await until(() => expect(hosts.all).toHaveLength(2))
    const pids = actors.pids()
    await test.engine.modules.stop(actors.module)
    for (const { code } of await Promise.all(more)) {
      expect(['sqlite.closed', 'actor.not_ready', 'actor.host_lost', 'actor.stopping']).toContain(code)
    }
    expect([hosts.all.length, pids.filter(isAlive)]).toEqual([0, []])
    expect(await faultOf(actors.request('k0', 'echo', 1))).toMatchObject({ code: 'actor.not_registered' })
  })

  it('outlives the end of all its processes at once: that is one end, not many in a row', async () => {
    const actors = await startActors(test, 'lazy', { contract: { actors_per_host: 1 } })
    const keys = Array.from({ length: 6 }, (_, index) => `k${index}`)
    await Promise.all(keys.map((key) => actors.request(key, 'echo', 1)))
    const pids = actors.pids()
    expect(pids).toHaveLength(6)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await until(() => expect(pids.filter(isAlive)).toEqual([]))
    await Promise.all(keys.map((key) => until(() => actors.request(key, 'echo', 1))))
    expect(test.view(actors.module)).toMatchObject({ run: 1, status: { state: 'running' } })
  })

  it('spec actors-sql 20: wake timer: survives sleep, and goes with a destroy', async () => {
    const actors = await startActors(test, 'probe')
    await actors.request('a', 'started')
    const control = actors.service.namespace(actors.module).actor({ key: ['a'] })
    control.wakeAt(Date.now() + 1)
    await until(() => expect(control.timers.running).not.toContain('wake'))
    expect(control.generation).toBe(1)
    control.wakeAt(Date.now() + 1_500)
    await actors.sleep('a')
    await until(() => expect(control.generation).toBe(2))
    await until(() => expect(control.state).toBe('running'))
    control.wakeAt(Date.now() + 60_000)
    await actors.destroy('a')
    expect(control.timers.running).toEqual([])
  })
})
