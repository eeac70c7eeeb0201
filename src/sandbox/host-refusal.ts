import type { HostError, HostErrorKind } from '../shared/sandbox/host-error.ts'

/** A host call that the guest sees fail with its contract's own error (spec nexum-host 7). */
export class HostRefusal extends Error {
  readonly hostError: HostError

  constructor(hostError: HostError) {
    super(hostError.message)
    this.name = 'HostRefusal'
    this.hostError = hostError
  }

  static of(domain: string, kind: HostErrorKind, code: number, message: string): HostRefusal {
    return new HostRefusal({ domain, kind, code, message })
  }
}
