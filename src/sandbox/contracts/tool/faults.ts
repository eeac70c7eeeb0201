/** What ended a call of a tool, told apart as its caller must know it (spec tools 7.3). */
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import { isStackOverflow, trapReport } from '../../bridge/trap-report.ts'

export interface InstanceState {
  /** What one of our own functions ended the instance with, where the guest might have caught it. */
  readonly ended: PaddockError | undefined
  readonly wasRefusedMemory: boolean
  readonly bytes: number
  readonly limitBytes: number
}

/** Anything thrown out of a guest call. */
export function faultReport(thrown: unknown, state: InstanceState): ErrorReport {
  if (state.ended !== undefined) return state.ended.toReport()
  const isTrap = !(thrown instanceof PaddockError) || thrown.code === 'sandbox.trap'
  if (isTrap && state.wasRefusedMemory) {
    return new PaddockError(
      'sandbox.out_of_memory',
      `The guest was refused memory beyond its ${state.limitBytes} bytes, and trapped.`,
      { details: { bytes: state.bytes, limitBytes: state.limitBytes } },
    ).toReport()
  }
  if (isTrap && isStackOverflow(thrown)) {
    return new PaddockError('sandbox.stack_overflow', 'The guest used up its call stack.').toReport()
  }
  // Whether memory was refused is known; nothing is guessed from how much is held.
  return trapReport(thrown, { bytes: 0, limitBytes: state.limitBytes })
}

/** Anything thrown out of making an instance: want of memory on this machine is never the guest's fault (spec tools 9). */
export function instantiationReport(thrown: unknown, state: InstanceState): ErrorReport {
  if (state.ended !== undefined) return state.ended.toReport()
  const cause = thrown instanceof PaddockError ? thrown.cause : thrown
  if (cause instanceof RangeError && !isStackOverflow(cause)) {
    return new PaddockError('tool.no_memory', 'No memory for another instance was left.').toReport()
  }
  // The guest's own start-up code ran and failed.
  if (cause instanceof WebAssembly.RuntimeError) return faultReport(cause, state)
  return trapReport(thrown, { bytes: 0, limitBytes: state.limitBytes })
}
