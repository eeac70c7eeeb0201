/** How a call that did not succeed is told to its caller (spec tools 7.2, 7.3). Fixed words for what the engine says. */
import type { DispatchKind, ToolFailureKind, ToolResponse } from '../../../../shared/contracts/tool.ts'
import type { PaddockError, ErrorReport } from '../../../../shared/errors.ts'

/** What a call failed with, before anything is added that only its end knows. */
export interface Fault {
  readonly kind: DispatchKind
  readonly code: string | null
  /** Of the guest where `isGuestText` says so: it must be scrubbed before anybody sees it. */
  readonly message: string
  readonly isGuestText?: boolean
}

/** Bytes of a message that go into dispatch metadata (spec tools 7.2). */
export const messageBytes = 2_048
const maxCodeCharacters = 64

const guestKinds: Readonly<Record<ToolFailureKind, DispatchKind>> = {
  'auth-required': 'auth_required',
  input: 'input_encode',
  'output-too-large': 'output_too_large',
  executor: 'executor',
  'network-denied': 'network_denied',
  client: 'client',
  'operation-failed': 'operation_failed',
}

/** A failure that the guest reported itself, one to one (spec tools 7.2). */
export function guestFault(failure: Extract<ToolResponse, { tag: 'failure' }>): Fault {
  return {
    kind: guestKinds[failure.kind],
    code: cleanCode(failure.code),
    message: failure.message ?? '',
    isGuestText: true,
  }
}

/** Keeps `[A-Za-z0-9_.-]`, at most 64 characters; nothing left is no code (spec tools 7.2). */
export function cleanCode(code: string | undefined): string | null {
  const kept = (code ?? '')
    .slice(0, 4_096)
    .replace(/[^A-Za-z0-9_.-]/g, '')
    .slice(0, maxCodeCharacters)
  return kept === '' ? null : kept
}

export const faults = {
  deadline: { kind: 'guest', code: 'deadline_exceeded', message: 'execution deadline exceeded' },
  cancelled: { kind: 'cancelled', code: 'cancelled', message: 'The caller left.' },
  lost: { kind: 'executor', code: 'execution_failed', message: 'The runner of the call was lost.' },
  host: { kind: 'executor', code: 'execution_failed', message: 'The host failed.' },
  noMemory: { kind: 'executor', code: 'no_memory', message: 'No memory was left for an instance.' },
  quarantined: { kind: 'executor', code: 'quarantined', message: 'The component is quarantined.' },
  stopping: { kind: 'executor', code: 'stopping', message: 'Tools are being stopped.' },
  inputTooLarge: { kind: 'input_encode', code: 'input_too_large', message: 'The parameters are too long.' },
  inputInvalid: { kind: 'input_encode', code: 'invalid_params', message: 'The parameters are not accepted.' },
  outputTooLarge: { kind: 'output_too_large', code: 'output_too_large', message: 'The output is too long.' },
  outputBlocked: { kind: 'output_blocked', code: 'output_blocked', message: 'The output holds a secret.' },
  outputNotJson: { kind: 'output_decode', code: 'output_not_json', message: 'The output is not JSON.' },
  notSettled: { kind: 'resource', code: 'settlement_failed', message: 'What was used could not be settled.' },
  denied: { kind: 'policy_denied', code: 'permission_denied', message: 'The operation is not permitted.' },
  unconfirmed: {
    kind: 'policy_denied',
    code: 'confirmation_required',
    message: 'A person must agree to this operation.',
  },
} as const satisfies Readonly<Record<string, Fault>>

/** The gate that had no permit in time, by its name. */
export function busyFault(gate: 'prepare' | 'execute' | 'nested'): Fault {
  const names = { prepare: 'preparation', execute: 'execution', nested: 'nested execution' }
  return { kind: 'executor', code: 'busy', message: `The ${names[gate]} gate has no room.` }
}

/** A component that could not be prepared (spec tools 7.3, first two rows). */
export function prepareFault(error: PaddockError): Fault {
  switch (error.code) {
    case 'gate.busy':
      return busyFault('prepare')
    case 'sandbox.cancelled':
      return faults.cancelled
    case 'tool.stopping':
      return faults.stopping
    case 'tool.quarantined':
      return faults.quarantined
    case 'tool.no_memory':
      return faults.noMemory
    case 'sandbox.exited':
    case 'sandbox.stopped':
    case 'sandbox.unresponsive':
    case 'sandbox.start_timeout':
    case 'sandbox.protocol':
      return faults.lost
    case 'internal.bug':
      return faults.host
    case 'tool.invalid_schema':
      return { kind: 'manifest', code: 'invalid_schema', message: 'The schema is not a JSON object.' }
    case 'tool.unsupported_contract':
      return { kind: 'manifest', code: 'unsupported_contract', message: error.message }
    case 'component.unknown_imports':
    // At the right version, what is there in another shape is missing as well.
    case 'component.unsupported_dialect':
    case 'component.invalid_world':
    case 'component.capability_unavailable':
    case 'sandbox.instantiate_failed':
      return {
        kind: 'method_missing',
        code: 'instantiation_failed',
        message: 'The component cannot be instantiated.',
      }
    default:
      return { kind: 'manifest', code: 'compilation_failed', message: 'The component cannot be prepared.' }
  }
}

/** A call whose instance ended otherwise than by answering (spec tools 7.3). */
export function executionFault(error: ErrorReport): Fault {
  const failed = (kind: DispatchKind, message: string): Fault => ({ kind, code: 'execution_failed', message })
  switch (error.code) {
    case 'sandbox.trap':
    case 'sandbox.out_of_fuel':
      return failed('guest', 'The tool failed by itself.')
    case 'tool.exit':
      return { kind: 'guest', code: 'guest_exit', message: 'The tool ended itself.' }
    case 'sandbox.stack_overflow':
      return failed('guest', 'The tool recursed too deeply.')
    case 'sandbox.out_of_memory':
      return failed('memory', 'The tool needed more memory than it may have.')
    case 'sandbox.deadline':
      return faults.deadline
    case 'tool.no_memory':
      return faults.noMemory
    case 'tool.quarantined':
      return faults.quarantined
    case 'tool.stopping':
      return faults.stopping
    case 'sandbox.instantiate_failed':
      return { kind: 'method_missing', code: 'instantiation_failed', message: 'It cannot be instantiated.' }
    default:
      return faults.lost
  }
}
