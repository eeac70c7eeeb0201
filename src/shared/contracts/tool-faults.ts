/** What became of a call as its caller is told: engine errors and guest failures by their dispatch kind (spec tools 7.2, 7.3). */
import type { ErrorCode } from '../errors.ts'
import { cutText } from '../text.ts'
import { maxDispatchMessageBytes } from './tool-call.ts'
import type { DispatchKind, ToolFailureKind } from './tool.ts'

const guestKinds: Readonly<Record<ToolFailureKind, DispatchKind>> = {
  'auth-required': 'auth_required',
  input: 'input_encode',
  'output-too-large': 'output_too_large',
  executor: 'executor',
  'network-denied': 'network_denied',
  client: 'client',
  'operation-failed': 'operation_failed',
}

/** The dispatch kind of a failure that the guest reports, one to one (spec tools 7.2). */
export function dispatchKindOfGuest(kind: ToolFailureKind): DispatchKind {
  return guestKinds[kind]
}

const errorKinds: Partial<Record<ErrorCode, DispatchKind>> = {
  'tool.unsupported_contract': 'manifest',
  'tool.invalid_schema': 'manifest',
  'component.not_wasm': 'manifest',
  'component.core_module': 'manifest',
  'component.truncated': 'manifest',
  'component.malformed': 'manifest',
  'component.digest_mismatch': 'manifest',
  'component.invalid_world': 'manifest',
  'compiler.failed': 'manifest',
  'compiler.crashed': 'manifest',
  'compiler.timeout': 'manifest',
  'compiler.unsupported_opcode': 'manifest',
  'compiler.over_limit': 'manifest',
  'tool.method_missing': 'method_missing',
  'component.unknown_imports': 'method_missing',
  'component.unsupported_dialect': 'method_missing',
  'sandbox.instantiate_failed': 'method_missing',
  'sandbox.trap': 'guest',
  'sandbox.stack_overflow': 'guest',
  'sandbox.deadline': 'guest',
  'sandbox.out_of_fuel': 'guest',
  'tool.exit': 'guest',
  'sandbox.out_of_memory': 'memory',
  'sandbox.cancelled': 'cancelled',
}

/** The dispatch kind of an error of the engine; `executor` for all that is neither the guest's nor the caller's doing. */
export function dispatchKindOf(code: ErrorCode): DispatchKind {
  return errorKinds[code] ?? 'executor'
}

const deadlineText = 'execution deadline exceeded'
const fixedTexts: Partial<Record<DispatchKind, string>> = {
  executor: 'the engine could not carry out the call',
  memory: 'the tool used up its memory',
  cancelled: 'the call was cancelled',
}

/** What the caller is told of an error of the engine: fixed text, except where the guest or its build is at fault. */
export function dispatchMessageOf(code: ErrorCode, message: string): string {
  if (code === 'sandbox.deadline') return deadlineText
  return fixedTexts[dispatchKindOf(code)] ?? cutText(message, maxDispatchMessageBytes)
}

/** A guest's code as it may be shown: letters, digits, `_.-`, at most 64; undefined when nothing is left (spec tools 7.2). */
export function cleanFailureCode(code: string | undefined): string | undefined {
  const clean = (code ?? '').replaceAll(/[^A-Za-z0-9_.-]/g, '').slice(0, 64)
  return clean === '' ? undefined : clean
}

/** A guest's message, scrubbed before, as dispatch metadata holds it: at most 2048 bytes (spec tools 7.2). */
export function cutFailureMessage(message: string | undefined): string {
  return cutText(message ?? '', maxDispatchMessageBytes)
}
