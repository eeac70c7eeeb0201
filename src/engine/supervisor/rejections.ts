import type { ErrorCode } from '../../shared/errors.ts'

/** Faults of a start that trying again cannot mend: the module is dead at once (spec nexum-host 12.1). */
const rejections: ReadonlySet<ErrorCode> = new Set([
  'bundle.not_found',
  'bundle.no_component',
  'bundle.unsafe_archive',
  'bundle.too_large',
  'component.not_wasm',
  'component.core_module',
  'component.truncated',
  'component.malformed',
  'component.digest_mismatch',
  'component.unknown_imports',
  'component.invalid_world',
  'component.unsupported_dialect',
  'component.capability_violation',
  'component.capability_unavailable',
  'compiler.failed',
  'compiler.crashed',
  'decider.not_a_component',
  'decider.missing_export',
  'decider.unsupported_version',
  'decider.forbidden_import',
  'decider.invalid_descriptor',
  'decider.descriptor_failed',
  'decider.identity_mismatch',
  'decider.duplicate_route',
  'module.init_rejected',
  'module.chain_not_configured',
  'module.consent_required',
  'sandbox.instantiate_failed',
  'store.foreign',
  'tool.duplicate_operation',
  'tool.invalid_schema',
  'tool.quarantined',
  'tool.unsupported_contract',
  'wasm.invalid_config',
] satisfies ErrorCode[])

export function isRejection(code: ErrorCode): boolean {
  return rejections.has(code)
}
