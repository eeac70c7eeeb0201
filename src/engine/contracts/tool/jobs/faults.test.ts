import { describe, expect, it } from 'vitest'
import { PaddockError, type ErrorCode } from '../../../../shared/errors.ts'
import { cleanCode, executionFault, guestFault, prepareFault } from './faults.ts'

const errorOf = (code: ErrorCode): PaddockError =>
  new PaddockError(code, 'Of the host: /home/x, ECONNREFUSED.')

describe('spec tools 14 failure mapping', () => {
  it.each([
    ['auth-required', 'auth_required'],
    ['input', 'input_encode'],
    ['output-too-large', 'output_too_large'],
    ['executor', 'executor'],
    ['network-denied', 'network_denied'],
    ['client', 'client'],
    ['operation-failed', 'operation_failed'],
  ] as const)('the guest kind %s is %s', (kind, dispatchKind) => {
    const fault = guestFault({ tag: 'failure', kind, code: 'a b/c', message: 'of the guest' })
    expect(fault).toEqual({ kind: dispatchKind, code: 'abc', message: 'of the guest', isGuestText: true })
  })

  it('keeps 64 characters of a code, and none where none is left', () => {
    expect(cleanCode('x'.repeat(5_000))).toBe('x'.repeat(64))
    expect(cleanCode('ä/ \n')).toBeNull()
    expect(cleanCode(undefined)).toBeNull()
  })
})

describe('spec tools 7.3: faults of the engine', () => {
  it.each<[ErrorCode, string, string]>([
    ['component.not_wasm', 'manifest', 'compilation_failed'],
    ['component.core_module', 'manifest', 'compilation_failed'],
    ['component.truncated', 'manifest', 'compilation_failed'],
    ['component.malformed', 'manifest', 'compilation_failed'],
    ['compiler.failed', 'manifest', 'compilation_failed'],
    ['tool.unsupported_contract', 'manifest', 'unsupported_contract'],
    ['tool.invalid_schema', 'manifest', 'invalid_schema'],
    ['component.unknown_imports', 'method_missing', 'instantiation_failed'],
    ['component.unsupported_dialect', 'method_missing', 'instantiation_failed'],
    ['component.invalid_world', 'method_missing', 'instantiation_failed'],
    ['sandbox.instantiate_failed', 'method_missing', 'instantiation_failed'],
    ['gate.busy', 'executor', 'busy'],
    ['tool.no_memory', 'executor', 'no_memory'],
    ['tool.quarantined', 'executor', 'quarantined'],
    ['sandbox.exited', 'executor', 'execution_failed'],
    ['internal.bug', 'executor', 'execution_failed'],
    ['sandbox.cancelled', 'cancelled', 'cancelled'],
  ])(
    'spec tools 14 contract: a preparation that fails with %s is %s (%s), in fixed words',
    (code, kind, shown) => {
      const fault = prepareFault(errorOf(code))
      expect([fault.kind, fault.code]).toEqual([kind, shown])
      // The gate's own words name versions alone, which the caller is to read.
      if (code !== 'tool.unsupported_contract') expect(fault.message).not.toMatch(/home|ECONN/)
    },
  )

  it.each<[ErrorCode, string, string]>([
    ['sandbox.trap', 'guest', 'execution_failed'],
    ['sandbox.stack_overflow', 'guest', 'execution_failed'],
    ['tool.exit', 'guest', 'guest_exit'],
    ['sandbox.out_of_memory', 'memory', 'execution_failed'],
    ['sandbox.deadline', 'guest', 'deadline_exceeded'],
    ['tool.no_memory', 'executor', 'no_memory'],
    ['sandbox.exited', 'executor', 'execution_failed'],
    ['internal.bug', 'executor', 'execution_failed'],
  ])('a call that ends with %s is %s (%s), in fixed words', (code, kind, shown) => {
    const fault = executionFault(errorOf(code).toReport())
    expect([fault.kind, fault.code]).toEqual([kind, shown])
    expect(fault.message).not.toMatch(/home|ECONN/)
  })
})
