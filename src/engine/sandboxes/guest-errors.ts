import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { HostError } from '../../shared/sandbox/host-error.ts'

/** The error a guest returned, as the engine reports it. The guest's words are quoted, never trusted. */
export function hostErrorReport(error: HostError): ErrorReport {
  return new PaddockError('guest.error', `${error.domain}: ${error.kind}: ${error.message}`, {
    details: { domain: error.domain, kind: error.kind, code: error.code },
  }).toReport()
}
