/** A guest that trapped, and why: an answer to the command, not the end of the run (spec decider 8). */
import type { ErrorReport } from '../../../../shared/errors.ts'
import { errorCodes } from '../../../../shared/errors.ts'
import type { GuestPhase } from '../../../../shared/contracts/decider.ts'
import { isStackOverflow, trapReport, type MemoryState } from '../../../bridge/trap-report.ts'

export class GuestTrap extends Error {
  readonly phase: GuestPhase
  readonly report: ErrorReport

  constructor(phase: GuestPhase, report: ErrorReport) {
    super(report.message)
    this.name = 'GuestTrap'
    this.phase = phase
    this.report = report
  }
}

/** Anything thrown out of a guest call; only the binder's own answers are a guest's words, so this is a trap. */
export function guestTrap(phase: GuestPhase, thrown: unknown, memory: MemoryState): GuestTrap {
  const report = trapReport(thrown, memory)
  const overflow = report.code === 'sandbox.trap' && isStackOverflow(thrown)
  return new GuestTrap(
    phase,
    overflow
      ? { ...report, code: 'sandbox.stack_overflow', remedy: errorCodes['sandbox.stack_overflow'] }
      : report,
  )
}
