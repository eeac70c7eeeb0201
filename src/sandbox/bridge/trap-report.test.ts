import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { trapReport } from './trap-report.ts'

const memory = { bytes: 65_536, limitBytes: 64 * 1024 * 1024 }

function trapWith(message: string, stack: string): PaddockError {
  const cause = new WebAssembly.RuntimeError(message)
  cause.stack = `RuntimeError: ${message}\n${stack}`
  return new PaddockError('sandbox.trap', message, { cause })
}

describe('trapReport', () => {
  it('names the functions of the guest, and nothing of the host', () => {
    const report = trapReport(
      trapWith(
        'unreachable',
        [
          '    at core.parse (wasm://wasm/core-0a1b2c:wasm-function[12]:0x3f2)',
          '    at wasm://wasm/0a1b2c:wasm-function[40]:0x51',
          '    at core.on-event (wasm://wasm/core-0a1b2c:wasm-function[99]:0x99)',
          '    at Guest.enter (/home/someone/paddock/out/main/guest.cjs:10:5)',
        ].join('\n'),
      ),
      memory,
    )
    expect(report.code).toBe('sandbox.trap')
    expect(report.message).toBe('The guest trapped: unreachable (in parse < function 40 < on-event)')
  })

  it('keeps typed errors as they are', () => {
    const error = new PaddockError('sandbox.out_of_fuel', 'the call used more than its 5 units of fuel')
    expect(trapReport(error, memory)).toEqual(error.toReport())
  })

  it('hides paths in messages of others', () => {
    const report = trapReport(new Error("ENOENT: no such file, open '/home/someone/secret/file.db'"), memory)
    expect(report.message).not.toContain('someone')
    expect(report.code).toBe('sandbox.trap')
  })

  it('tells want of memory from other traps', () => {
    const full = { bytes: 63 * 1024 * 1024, limitBytes: 64 * 1024 * 1024 }
    expect(trapReport(trapWith('unreachable', ''), full).code).toBe('sandbox.out_of_memory')
    expect(trapReport(trapWith('unreachable', ''), memory).code).toBe('sandbox.trap')
    expect(trapReport(trapWith('integer divide by zero', ''), full).code).toBe('sandbox.trap')
    const refused = new PaddockError('sandbox.instantiate_failed', 'x', {
      cause: new RangeError('WebAssembly.Memory(): could not allocate memory'),
    })
    expect(trapReport(refused, memory).code).toBe('sandbox.out_of_memory')
  })

  it('tells a used-up stack', () => {
    const cause = new RangeError('Maximum call stack size exceeded')
    const report = trapReport(new PaddockError('sandbox.trap', cause.message, { cause }), memory)
    expect(report).toMatchObject({ code: 'sandbox.trap' })
    expect(report.message).toContain('call stack')
  })
})
