/** Tools that call tools, by alias, each call with all that any call has (spec tools 3). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { failureOf, nothingHeld, TestTools } from '../../support/tool-engine.ts'

let tools: TestTools

const loose = 'rate = { per_minute = 100000, per_hour = 100000 }'

beforeAll(async () => {
  tools = await TestTools.start()
  await tools.load({ name: 'leaf', component: 'hand' })
  await tools.load({ name: 'asks', component: 'hand', permission: 'ask' })
  await tools.load({
    name: 'outer',
    limits: { timeout_ms: 20_000, input_bytes: 4_194_304 },
    alias: { leaf: 'leaf', asks: 'asks', self: 'outer', gone: 'gone', next: 'second', slow: 'second' },
  })
  await tools.load({ name: 'second', alias: { next: 'third', back: 'outer' } })
  await tools.load({ name: 'third', alias: { next: 'fourth' } })
  await tools.load({ name: 'fourth', alias: { next: 'fifth' } })
  await tools.load({ name: 'fifth' })
  await tools.load({
    name: 'bounded',
    alias: { leaf: 'leaf' },
    tools: ['calls_per_call = 3', loose],
  })
  await tools.load({
    name: 'paced',
    alias: { leaf: 'leaf' },
    tools: ['rate = { per_minute = 4, per_hour = 100 }'],
  })
}, 180_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
})

const invoke = (alias: string, params: unknown): object => ({ do: 'invoke', alias, params })
const answer = (value: unknown): object => ({ step: { do: 'answer', value } })

describe('tool-invoke', () => {
  it('spec tools 14 tool-invoke: calls another tool by its alias, and counts it', async () => {
    const view = await tools.call('outer', { step: invoke('leaf', { deed: 'count' }) })
    expect(view.outcome).toEqual({ ok: true, output: '{"output":1}' })
    expect(view.usage.invocations).toBe(1)
    const [, inner] = tools.service.history({ limit: 2 }).map(({ module, caller }) => [module, caller])
    expect([inner, tools.service.history({ limit: 1, module: 'leaf' })[0]?.caller]).toEqual([
      ['outer', 'console'],
      'tool',
    ])
  })

  it('spec tools 14 tool-invoke: answers each refusal with one stable word', async () => {
    const words = async (...steps: object[]): Promise<unknown> => tools.output('outer', { steps })
    expect(
      await words(
        invoke('undeclared', {}),
        invoke('leaf.real', {}),
        invoke('gone', {}),
        invoke('self', {}),
        invoke('asks', { deed: 'count' }),
        invoke('leaf', { deed: 'trap' }),
        invoke('leaf', { deed: 5 }),
        invoke('next', { step: { do: 'fail', kind: 'network-denied', message: 'no' } }),
        invoke('next', answer(`ghp_${'d4'.repeat(18)}`)),
        invoke('leaf', { deed: 'count', more: 'x'.repeat(1_048_576) }),
      ),
    ).toEqual(
      [
        'unknown_alias',
        'unknown_alias',
        'unknown_alias',
        'too_deep',
        'not_granted',
        'guest',
        'input_encode',
        'network_denied',
        'output_blocked',
        'input_encode',
      ].map((error) => ({ error })),
    )
  })

  it('spec tools 14 tool-invoke: refuses depth 5 and cycles', async () => {
    const four = { step: invoke('next', { step: invoke('next', { step: invoke('next', answer(4)) }) }) }
    expect(await tools.output('outer', four)).toEqual({ output: { output: { output: 4 } } })
    const five = {
      step: invoke('next', {
        step: invoke('next', { step: invoke('next', { step: invoke('next', answer(5)) }) }),
      }),
    }
    expect(await tools.output('outer', five)).toEqual({
      output: { output: { output: { error: 'too_deep' } } },
    })
    const cycle = { step: invoke('next', { step: invoke('back', answer(1)) }) }
    expect(await tools.output('outer', cycle)).toEqual({ output: { error: 'too_deep' } })
  })

  it('bounds invocations of a call and of a minute', async () => {
    const steps = Array.from({ length: 5 }, () => invoke('leaf', { deed: 'count' }))
    const [ok, limited] = [{ output: 1 }, { error: 'rate_limited' }]
    expect(await tools.output('bounded', { steps })).toEqual([ok, ok, ok, limited, limited])
    expect(await tools.output('paced', { steps })).toEqual([ok, ok, ok, ok, limited])
  })

  it('stops the inner call with the outer one', async () => {
    const leave = new AbortController()
    const call = tools.call('outer', { step: invoke('leaf', { deed: 'wait' }) }, { signal: leave.signal })
    const leaf = (): number => tools.service.all.find(({ module }) => module === 'leaf')?.counts.running ?? 0
    const end = performance.now() + 20_000
    while (leaf() === 0 && performance.now() < end) await new Promise((resolve) => setImmediate(resolve))
    leave.abort()
    expect(failureOf(await call).kind).toBe('cancelled')
    const [inner] = tools.service.history({ limit: 1, module: 'leaf' })
    expect(inner?.outcome).toMatchObject({ ok: false, failure: { kind: 'cancelled' } })
    expect(tools.held).toEqual(nothingHeld)
  })

  it('spec tools 14 tool-invoke: 64 calls that each invoke once all complete', async () => {
    const calls = Array.from({ length: 64 }, () =>
      tools.output('outer', { step: invoke('leaf', { deed: 'count' }) }),
    )
    for (const output of await Promise.all(calls)) expect(output).toEqual({ output: 1 })
    expect(tools.held).toEqual(nothingHeld)
  }, 120_000)
})
