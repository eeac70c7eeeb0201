/** Deciders in a whole engine, with real sandbox processes (spec decider 3, 4, 8). */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { closeEngines, startEngine, type TestEngine } from '../support/engine.ts'
import {
  counter,
  counterBefore,
  decided,
  deciderComponent,
  notDecided,
  order,
  removeDeciderFolders,
} from '../support/deciders.ts'
import type { ExecutionOutcome } from '../../src/shared/contracts/decider.ts'
import { deciderBundle } from '../support/decider-bundles.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

afterEach(closeEngines)
afterAll(removeDeciderFolders)

const plain = ['snapshot_floor = 1']
const shop = { ...counter, name: 'demo.shop', commands: [{ ...counter.commands[0]!, type: 'counter.any' }] }

function send(
  test: TestEngine,
  streamId: string,
  amount = 1,
  options: { type?: string; reference?: string; commandId?: string } = {},
) {
  return test.engine.contracts.deciders.execute({
    type: options.type ?? 'counter.add',
    payload: order(streamId, amount),
    reference: options.reference ?? null,
    commandId: options.commandId ?? null,
  })
}

describe('an engine with deciders', () => {
  it('carries commands out, reads what they left, and remembers over a restart', async () => {
    const test = await startEngine()
    const bundle = await deciderBundle(counter, 'counter', plain)
    await test.load(bundle)
    const { deciders } = test.engine.contracts
    expect(deciders.routes().map(({ type, name, version }) => `${type} ${name}@${version}`)).toContain(
      'counter.add demo.counter@0.1.0',
    )
    const outcomes = await Promise.all(['a', 'b', 'a', 'c'].map((streamId) => send(test, streamId, 2)))
    expect(outcomes.map((outcome) => decided(outcome).lastRevision)).toEqual([1, 1, 2, 1])
    expect(await deciders.read('demo.counter', { kind: 'streams', limit: 10 })).toMatchObject({
      streams: [{ streamId: 'a', revision: 2 }, { streamId: 'b' }, { streamId: 'c' }],
      totals: { events: 4 },
    })
    expect(
      await deciders.read('demo.counter', { kind: 'events', streamId: 'a', from: 2, limit: 5 }),
    ).toMatchObject({
      head: 2,
      events: [{ revision: 2, type: 'counter.added' }],
    })
    const past = await deciders.stateAt('demo.counter', 'a', 1)
    expect(Buffer.from(past.snapshot!).readBigInt64LE(0)).toBe(2n)
    expect(deciders.outcomes('demo.counter', 10)).toHaveLength(4)
    const executions = deciders.metrics.read().filter(({ name }) => name === 'decider.command.executions')
    expect(executions.reduce((sum, { count }) => sum + count, 0)).toBe(4)
    expect(executions[0]?.attributes).toMatchObject({
      module_name: 'demo.counter',
      command_type: 'counter.add',
      decision_outcome: 'decided',
    })
    const scraped = await test.engine.metrics.text()
    const about = 'module_name="demo.counter",module_version="0.1.0"'
    expect(scraped).toContain(
      `decider_command_executions_total{${about},command_type="counter.add",decision_outcome="decided",write_precondition="no_stream"} 3`,
    )
    expect(scraped).toContain(`decider_replay_events_sum{${about},command_type="counter.add"} 1`)
    expect(scraped).toContain(`decider_append_duration_seconds_count{${about},command_type="counter.add"} 4`)
    expect(scraped).toContain(`decider_wasm_fuel_consumed_count{${about},guest_phase="decide"} 4`)
    expect(scraped).not.toContain('stream_id=')
    await test.engine.modules.restart('counter')
    expect(counterBefore(await send(test, 'a'))).toBe(4)
  })

  it('tells what is malformed before it looks for a module, and what nobody decides', async () => {
    const test = await startEngine()
    const bad = await test.engine.contracts.deciders.execute({
      type: 'none',
      payload: new Uint8Array(),
      commandId: 'x',
    })
    expect(notDecided(bad).failure.error.code).toBe('decider.malformed_request')
    const none = notDecided(await send(test, 'a', 1, { type: 'none' }))
    expect(none.failure).toMatchObject({ error: { code: 'decider.unroutable' }, retry: 'after-activation' })
  })

  it('asks an authoriser once, before anything is read', async () => {
    const test = await startEngine()
    await test.load(await deciderBundle(counter, 'counter', plain))
    const { deciders } = test.engine.contracts
    const asked: string[] = []
    deciders.setAuthoriser((principal, { type }) => {
      asked.push(`${principal} ${type}`)
      return principal === 'ann'
    })
    const by = (principal: string | null) =>
      deciders.execute({ type: 'counter.add', payload: order('a'), principal })
    expect(notDecided(await by(null))).toMatchObject({
      outcome: 'denied',
      failure: { error: { code: 'decider.principal_missing' } },
    })
    expect(notDecided(await by('bob')).failure.error.code).toBe('decider.principal_refused')
    expect(decided(await by('ann')).lastRevision).toBe(1)
    expect(asked).toEqual(['bob counter.add', 'ann counter.add'])
  })

  it('sheds at once what is more than may wait, and says the limit', async () => {
    const test = await startEngine()
    await test.load(await deciderBundle(counter, 'counter', plain))
    const all = await Promise.all(Array.from({ length: 400 }, (_, index) => send(test, `s${index}`)))
    const shed = all.filter(({ outcome }) => outcome === 'shed')
    expect(shed.length).toBeGreaterThan(0)
    expect(shed.length).toBeLessThan(400 - 256 + 1)
    expect(notDecided(shed[0]!).failure.error).toMatchObject({
      code: 'decider.overloaded',
      details: { limit: 256 },
    })
  })

  it('spec decider 16: duplicate routing and takeover, between installed modules', async () => {
    const test = await startEngine()
    await test.load(await deciderBundle(counter, 'counter', plain))
    await test.load(await deciderBundle(shop, 'shop', plain))
    expect(test.state('shop')).toBe('dead')
    expect(test.view('shop').lastError?.error).toMatchObject({ code: 'decider.duplicate_route' })
    expect(test.engine.contracts.deciders.routes().every(({ name }) => name === 'demo.counter')).toBe(true)
    test.engine.contracts.deciders.retire('counter.any')
    await test.engine.modules.revive('shop')
    await test.whenState('shop', 'running')
    expect(test.engine.contracts.deciders.routes().find(({ type }) => type === 'counter.any')?.name).toBe(
      'demo.shop',
    )
  })

  it('runs two versions side by side, activates the other, and never feeds it old snapshots', async () => {
    const test = await startEngine()
    await test.load(await deciderBundle(counter, 'counter', plain))
    await send(test, 'a', 2)
    await send(test, 'a', 2)
    expect(decided(await send(test, 'a', 2)).stats.snapshotWrite).toBe('stored')
    const next = { ...counter, version: '0.2.0', commands: counter.commands.slice(0, 2) }
    expect(await test.load(await deciderBundle(next, 'counter', plain))).toBe('counter@0.2.0')
    const { deciders } = test.engine.contracts
    expect(deciders.views().map(({ version, active }) => [version, active])).toEqual([
      ['0.1.0', true],
      ['0.2.0', false],
    ])
    const tried = decided(await send(test, 'a', 0, { reference: 'demo.counter@0.2.0' }))
    expect(tried).toMatchObject({ version: '0.2.0', stats: { snapshotRead: 'miss', replayedEvents: 3 } })
    expect(decided(await send(test, 'a', 0)).version).toBe('0.1.0')
    const plan = deciders.planActivation('demo.counter@0.2.0', { takeover: false })
    expect([...plan.dropped].sort()).toEqual(['counter.any', 'counter.extend', 'counter.plain'])
    deciders.activate('demo.counter@0.2.0', { takeover: false })
    expect(decided(await send(test, 'a', 0)).version).toBe('0.2.0')
    expect(notDecided(await send(test, 'a', 0, { type: 'counter.any' })).failure.error.code).toBe(
      'decider.unroutable',
    )
    await test.engine.modules.restart('counter@0.2.0')
    expect(decided(await send(test, 'a', 0)).version).toBe('0.2.0')
  })

  it('spec decider 16: atomic activation: a running command finishes on its version', async () => {
    const test = await startEngine()
    await test.load(await deciderBundle(counter, 'counter', plain))
    await test.load(await deciderBundle({ ...counter, version: '0.2.0' }, 'counter', plain))
    const { deciders } = test.engine.contracts
    // More than one commit takes, so that some run, some wait in the sandbox and some in the queue.
    const before = Array.from({ length: 120 }, (_, index) => send(test, `s${index % 7}`))
    await before[0]
    expect(deciders.routes()[0]).toMatchObject({ version: '0.1.0' })
    expect(deciders.views().find(({ version }) => version === '0.1.0')?.inFlight).toBeGreaterThan(0)
    deciders.activate('demo.counter@0.2.0', { takeover: false })
    const after = Array.from({ length: 60 }, (_, index) => send(test, `s${index % 7}`))
    const versions = async (outcomes: Promise<ExecutionOutcome>[]): Promise<Set<string>> =>
      new Set((await Promise.all(outcomes)).map((outcome) => decided(outcome).version))
    expect([...(await versions(before))]).toEqual(['0.1.0'])
    expect([...(await versions(after))]).toEqual(['0.2.0'])
    expect(await deciders.read('demo.counter', { kind: 'streams', limit: 10 })).toMatchObject({
      totals: { events: 180 },
    })
  })

  it("reports a rebuild under the same version, and does not use its predecessor's snapshots", async () => {
    const test = await startEngine()
    const bundle = await deciderBundle(counter, 'counter', plain)
    await test.load(bundle)
    for (let time = 0; time < 3; time += 1) await send(test, 'a', 1)
    await writeFile(join(bundle, 'module.wasm'), await deciderComponent({ ...counter, bias: 1 }))
    expect(await test.engine.modules.reload('counter')).toEqual({ changed: true, consentNeeded: false })
    const outcome = await send(test, 'a', 0)
    expect(decided(outcome).stats.snapshotRead).toBe('other_artifact')
    expect(counterBefore(outcome)).toBe(6)
  })

  it('a deadline ends the thread alone; the command is told, and the next is answered', async () => {
    const test = await startEngine()
    await test.load(
      await deciderBundle(counter, 'counter', [...plain, 'call_ms = 300', 'fuel_per_call = 100000000000']),
    )
    await test.engine.modules.setLimits('counter', { fuelPerCall: 100_000_000_000 })

    await send(test, 'a')
    const { deciders } = test.engine.contracts
    const stuck = deciders.execute({ type: 'counter.add', payload: order('a', 1, { deed: 'endless' }) })
    const behind = send(test, 'b')
    const answer = notDecided(await stuck)
    expect(answer.failure).toMatchObject({ error: { code: 'sandbox.deadline' }, retry: 'yes' })
    // What waited behind it was not started: it is sent again to the next sandbox.
    expect(decided(await behind).lastRevision).toBe(1)
  })

  it('a killed sandbox: commands with an id are carried out once, without one the caller is told', async () => {
    const test = await startEngine()
    await test.load(await deciderBundle(counter, 'counter', plain))
    const { deciders } = test.engine.contracts
    const commands = Array.from({ length: 60 }, () => randomUUID())
    const answers = commands.map((commandId, index) => send(test, `s${index % 5}`, 1, { commandId }))
    await answers[0]
    await test.engine.modules.restart('counter')
    const outcomes = await Promise.all(answers)
    expect(outcomes.every(({ outcome }) => outcome === 'decided')).toBe(true)
    const streams = await deciders.read('demo.counter', { kind: 'streams', limit: 10 })
    expect(streams).toMatchObject({ totals: { events: 60 } })
  })
})

describe('the store of a decider', () => {
  it('outlives the module that is removed', async () => {
    const test = await startEngine()
    const bundle = await deciderBundle(counter, 'counter', plain)
    await test.load(bundle)
    await send(test, 'a', 5)
    await test.engine.modules.remove('counter', false)
    await test.load(bundle)
    expect(counterBefore(await send(test, 'a'))).toBe(5)
    await rm(bundle, { recursive: true })
  })
})
