import { describe, expect, it } from 'vitest'
import { func, implement, interfaceType, string } from '../binding/types.ts'
import { CallCounts } from './call-counts.ts'

const type = interfaceType('acme:demo/demo@0.2.0', { greet: func([string], string) })

describe('call counts', () => {
  it('counts calls and passes arguments and answers through', () => {
    const counts = new CallCounts()
    const host = counts.counted('demo', implement(type, { greet: (name) => `hello ${name}` }), () => false)
    expect(host.functions['greet']?.('Ada' as never)).toBe('hello Ada')
    expect(counts.report(0)).toEqual({ demo: { calls: 1, denied: 0 } })
  })

  it('reports about once a second, cumulatively, and only what changed', () => {
    const counts = new CallCounts()
    const host = counts.counted('demo', implement(type, { greet: (name) => name }), () => true)
    expect(counts.report(0)).toBeUndefined()
    host.functions['greet']?.('a' as never)
    expect(counts.report(10)).toEqual({ demo: { calls: 1, denied: 1 } })
    host.functions['greet']?.('b' as never)
    expect(counts.report(500)).toBeUndefined()
    expect(counts.report(1_010)).toEqual({ demo: { calls: 2, denied: 2 } })
    expect(counts.report(5_000)).toBeUndefined()
  })
})
