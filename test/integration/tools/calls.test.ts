/** Calls of tools in a real engine: what they answer, and how they end. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines, faultOf } from '../../support/engine.ts'
import { handTool } from '../../support/tool-components.ts'
import { nothingHeld, TestTools, toolBundle } from '../../support/tool-engine.ts'

let tools: TestTools

beforeAll(async () => {
  tools = await TestTools.start()
  await tools.load({ name: 'probe' })
  await tools.load({ name: 'hand', component: 'hand', limits: { timeout_ms: 500 } })
  await tools.load({ name: 'careful', component: 'hand', permission: 'ask' })
}, 120_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
})

describe('a call', () => {
  it('spec tools 14 cost: is served warm, and listing instantiates nothing', async () => {
    expect(await tools.output('probe', { step: { do: 'answer', value: { a: 1 } } })).toEqual({ a: 1 })
    const { described, begun } = tools.service.prepared
    const uses = (): number => tools.service.pool.all.reduce((sum, { instances }) => sum + instances, 0)
    const before = uses()
    const views = tools.service.list()
    expect(views.map(({ module, state }) => [module, state])).toEqual([
      ['probe', 'ready'],
      ['hand', 'ready'],
      ['careful', 'ready'],
    ])
    expect(JSON.parse(views[0]?.schema ?? '')).toMatchObject({ type: 'object' })
    expect([uses(), tools.service.prepared.described, tools.service.prepared.begun]).toEqual([
      before,
      described,
      begun,
    ])
  })

  it('spec tools 14 context: gets exactly the id of its operation', async () => {
    expect(await tools.output('hand', { deed: 'x' })).toEqual({ capability_id: 'hand' })
  })

  it('spec tools 14 fresh instance: counts 1 each time, also after a trap', async () => {
    expect(await tools.output('hand', { deed: 'count' })).toBe(1)
    expect(await tools.output('hand', { deed: 'count' })).toBe(1)
    expect(await tools.failure('hand', { deed: 'trap' })).toMatchObject({
      kind: 'guest',
      code: 'execution_failed',
    })
    expect(await tools.output('hand', { deed: 'count' })).toBe(1)
    expect(await tools.failure('hand', { deed: 'exit' })).toMatchObject({ kind: 'guest', code: 'guest_exit' })
    expect(await tools.output('hand', { deed: 'count' })).toBe(1)
  })

  it('spec tools 14 deadline: ends a loop within 900 ms and keeps its lines; others go on', async () => {
    const began = performance.now()
    const [view, other] = await Promise.all([
      tools.call('hand', { deed: 'print' }),
      tools.output('probe', { step: { do: 'answer', value: 2 } }),
    ])
    expect(performance.now() - began).toBeLessThan(900)
    expect(view.outcome).toMatchObject({
      ok: false,
      failure: { kind: 'guest', code: 'deadline_exceeded', message: 'execution deadline exceeded' },
    })
    expect(view.logs.map(({ message }) => message)).toEqual(['one', 'two'])
    expect(view.usage.wallMs).toBeGreaterThanOrEqual(500)
    expect(other).toBe(2)
  })

  it('spec tools 14 memory: tells memory from a trap', async () => {
    expect(await tools.failure('hand', { deed: 'hog' })).toMatchObject({ kind: 'memory' })
    expect(await tools.failure('hand', { deed: 'recurse' })).toMatchObject({ kind: 'guest' })
  })

  it('spec tools 14 failure mapping: cuts the message and cleans the code', async () => {
    const failure = await tools.failure('hand', { deed: 'fail' })
    expect(failure).toMatchObject({ kind: 'client', code: 'abc', message: 'x'.repeat(2_048) })
    const kinds = { 'auth-required': 'auth_required', input: 'input_encode', executor: 'executor' }
    for (const [kind, told] of Object.entries(kinds)) {
      const step = { do: 'fail', kind, message: 'because', code: 'why' }
      expect(await tools.failure('probe', { step })).toMatchObject({
        kind: told,
        code: 'why',
        message: 'because',
      })
    }
    const token = `ghp_${'a1'.repeat(18)}`
    const step = { do: 'fail', kind: 'client', message: `token ${token} refused`, code: 'no' }
    const view = await tools.call('probe', { step })
    expect(JSON.stringify(view)).not.toContain(token)
    expect(view.outcome).toMatchObject({ failure: { message: 'token [REDACTED] refused' } })
  })

  it('spec tools 14 output scan: blocks what holds a secret, and counts the call all the same', async () => {
    const view = await tools.call('probe', { step: { do: 'answer', value: [`ghp_${'b2'.repeat(18)}`] } })
    expect(view.outcome).toMatchObject({ failure: { kind: 'output_blocked' } })
    expect(view.usage.outputBytes).toBeGreaterThan(30)
    expect(tools.test.engine.governor.open).toBe(0)
  })

  it('spec tools 14 log: drops the 1001st line, counts it, and redacts a token in one', async () => {
    const token = `ghp_${'c3'.repeat(18)}`
    const steps = [
      { do: 'log', message: `with ${token}` },
      { do: 'log', message: 'again', times: 1_004 },
    ]
    const view = await tools.call('probe', { steps })
    expect([view.logs.length, view.logsDropped]).toEqual([1_000, 5])
    expect(view.logs[0]?.message).toBe('with [REDACTED]')
  })

  it('checks params against the schema of the tool', async () => {
    expect(await tools.failure('hand', { deed: 5 })).toMatchObject({
      kind: 'input_encode',
      code: 'invalid_params',
    })
    const call = tools.service.call({ operation: 'hand', params: 'no json', caller: 'console' })
    expect((await call).outcome).toMatchObject({ failure: { kind: 'input_encode' } })
    const long = { deed: 'count', more: 'x'.repeat(1_048_576) }
    expect(await tools.failure('hand', long)).toMatchObject({ kind: 'input_encode', code: 'input_too_large' })
  })
})

it('spec tools 14 cache: other bytes at the same path run as what they are; what ran finishes on the old ones', async () => {
  const bundle = await toolBundle({ name: 'changing', component: 'hand' })
  await tools.test.load(bundle)
  expect(await tools.output('changing', { deed: 'count' })).toBe(1)
  const running = tools.call('changing', { deed: 'print' })
  const newer = await handTool({
    replace: [['(global $calls (mut i32) (i32.const 0))', '(global $calls (mut i32) (i32.const 4))']],
  })
  await writeFile(join(bundle, 'module.wasm'), newer)
  await tools.test.engine.modules.reload('changing')
  expect(await tools.output('changing', { deed: 'count' })).toBe(5)
  expect((await running).outcome).toMatchObject({ ok: false })
}, 60_000)

describe('permissions', () => {
  it('lets an operation that asks run only when a person agreed, and heeds the word of the operator', async () => {
    const { service } = tools
    expect(await tools.failure('careful', { deed: 'count' })).toMatchObject({
      kind: 'policy_denied',
      code: 'confirmation_required',
    })
    expect((await tools.call('careful', { deed: 'count' }, { confirmed: true })).outcome?.ok).toBe(true)
    service.setPermission('careful', 'careful', 'deny')
    expect((await tools.call('careful', { deed: 'count' }, { confirmed: true })).outcome).toMatchObject({
      failure: { kind: 'policy_denied', code: 'permission_denied' },
    })
    const [operation] = service.list().find(({ module }) => module === 'careful')?.operations ?? []
    expect(operation).toMatchObject({ permission: 'deny', declaredPermission: 'ask' })
    service.setPermission('careful', 'careful', 'allow')
    expect((await tools.call('careful', { deed: 'count' })).outcome?.ok).toBe(true)
    service.setPermission('careful', 'careful', null)
    expect(await tools.failure('careful', { deed: 'count' })).toMatchObject({ code: 'confirmation_required' })
  })

  it('knows no other operation', async () => {
    expect(await faultOf(tools.call('other', {}))).toMatchObject({ code: 'tool.unknown_operation' })
    expect(() => tools.service.setPermission('hand', 'other', 'deny')).toThrow(
      expect.objectContaining({ code: 'tool.unknown_operation' }),
    )
  })

  it('refuses a second tool with an operation that is taken, naming both', async () => {
    const before = tools.test.states.size
    await tools.load({ name: 'twin', component: 'hand', operations: ['twin', 'hand'] })
    expect(tools.test.states.size).toBe(before + 1)
    expect(tools.test.view('twin').lastError?.error).toMatchObject({
      code: 'tool.duplicate_operation',
      details: { operation: 'hand', modules: ['hand', 'twin'] },
    })
    expect(await tools.output('hand', { deed: 'count' })).toBe(1)
  })
})

describe('history', () => {
  it('tells calls newest first, with states as they came', async () => {
    const states: string[] = []
    const call = tools.call(
      'probe',
      { step: { do: 'answer', value: 1 } },
      { onProgress: ({ state }) => states.push(state) },
    )
    const { id } = await call
    expect(states).toEqual(['queued', 'running', 'settling', 'settled'])
    const [last, before] = tools.service.history({ limit: 2 })
    expect(last).toMatchObject({
      id,
      module: 'probe',
      state: 'settled',
      params: '{"step":{"do":"answer","value":1}}',
    })
    expect(tools.service.history({ limit: 1, before: id })[0]?.id).toBe(before?.id)
    expect(
      tools.service.history({ limit: 500, module: 'careful' }).every(({ module }) => module === 'careful'),
    ).toBe(true)
    expect(tools.service.view(id)?.outcome).toEqual({ ok: true, output: '1' })
    expect(tools.service.cancel(id)).toBe(false)
  })
})

it('leaves nothing held', () => {
  expect(tools.held).toEqual(nothingHeld)
})
