/** What a module may sign with (spec nexum-host 6.5, 8.6, 8.11). */
import { moduleGrants } from '../../../shared/domain/operator/grants.ts'
import type { HostCallContext } from '../capability.ts'
import { identityFailure } from './failures.ts'

type Caller = Pick<HostCallContext, 'manifest' | 'record'>

/**
 * Addresses granted to the caller, in the operator's order, lower-case. None without a manifest that declares
 * `identity`, and none while the capability itself is not granted: signing through a chain asks for no less.
 */
export function grantedAccounts({ manifest, record }: Caller): string[] {
  const { policy, required, optional } = manifest.capabilities
  const isDeclared = required.includes('identity') || optional.includes('identity')
  if (policy !== 'declared' || !isDeclared || !record.granted.includes('identity')) return []
  return [...new Set(moduleGrants(record).accounts)]
}

/** Throws denied for a method that the manifest leaves out. A transaction needs `sign`. */
export function checkMethod({ manifest }: Caller, method: 'accounts' | 'sign' | 'sign-typed-data'): void {
  const { identityMethods } = manifest.capabilities
  if (identityMethods === null || identityMethods.includes(method)) return
  throw identityFailure('denied', `The manifest of the module does not list the method ${method}.`)
}

/** The address in lower case. Throws invalid-input for text that is none. */
export function readAddress(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase()
  throw identityFailure('invalid-input', 'An account is 20 bytes.')
}
