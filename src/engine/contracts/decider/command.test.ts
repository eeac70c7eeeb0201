import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { checkCommand, type DeciderCommand } from './command.ts'
import { Permits } from './permits.ts'

const command: DeciderCommand = { type: 't', payload: new Uint8Array() }

function codeOf(change: Partial<DeciderCommand>): string {
  try {
    checkCommand({ ...command, ...change })
    return 'fine'
  } catch (error) {
    if (error instanceof PaddockError) return error.code
    throw error
  }
}

describe('spec decider 16: limits and malformed requests', () => {
  const malformed = 'decider.malformed_request'
  const over = 'decider.limit_exceeded'

  it.each([
    [{ type: '' }, malformed],
    [{ type: 'a\u0000b' }, malformed],
    [{ type: 'x'.repeat(256) }, 'fine'],
    [{ type: 'x'.repeat(257) }, malformed],
    [{ commandId: 'no uuid' }, malformed],
    [{ commandId: '6BA7B810-9DAD-11D1-80B4-00C04FD430C8' }, 'fine'],
    [{ expectedRevision: 0 }, malformed],
    [{ expectedRevision: 1 }, 'fine'],
    [{ expectedRevision: 1.5 }, malformed],
    [{ headers: { '': 'x' } }, malformed],
    [{ headers: { 'a\tb': 'x' } }, malformed],
    [{ headers: { a: 'x\r\ny' } }, malformed],
    [{ payload: new Uint8Array(1_048_576) }, 'fine'],
    [{ payload: new Uint8Array(1_048_577) }, over],
  ])('%j', (change, code) => {
    expect(codeOf(change)).toBe(code)
  })

  it('64 headers and 16 KiB, and one more', () => {
    const headers = (count: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`h${String(index).padStart(2, '0')}`, '']),
      )
    expect(codeOf({ headers: headers(64) })).toBe('fine')
    expect(codeOf({ headers: headers(65) })).toBe(over)
    expect(codeOf({ headers: { h: 'x'.repeat(16 * 1_024 - 1) } })).toBe('fine')
    expect(codeOf({ headers: { h: 'x'.repeat(16 * 1_024) } })).toBe(over)
  })

  it('stores headers sorted and ids in lower case', () => {
    const checked = checkCommand({
      ...command,
      headers: { b: '2', a: '1' },
      commandId: '6BA7B810-9DAD-11D1-80B4-00C04FD430C8',
    })
    expect(Object.keys(checked.headers)).toEqual(['a', 'b'])
    expect(checked.commandId).toBe('6ba7b810-9dad-11d1-80b4-00c04fd430c8')
  })

  it('executions at once: as many as there are permits, one for each module, and no more', () => {
    const permits = new Permits(2)
    const first = permits.take('a')
    const again = permits.take('a')
    permits.take('b')
    expect(() => permits.take('c')).toThrow(
      expect.objectContaining({ code: 'decider.overloaded', details: { limit: 2 } }),
    )
    first()
    first()
    expect(permits.inUse).toBe(2)
    again()
    expect(permits.inUse).toBe(1)
    permits.take('c')
  })
})
