/** Small answers and errors of a sandbox's end in the engine. */
import { PaddockError } from '../../shared/errors.ts'
import type { HostCall, HostOutcome } from '../../shared/sandbox/protocol.ts'
import type { SandboxEnd } from './sandbox-options.ts'

export function settle<T>(waiting: Map<number, { resolve: (value: T) => void }>, id: number, value: T): void {
  const entry = waiting.get(id)
  if (entry === undefined) return
  waiting.delete(id)
  entry.resolve(value)
}

/** A handler that failed is a fault of ours, which it has told of; the guest must not wait for ever. */
export function refused({ capability }: HostCall): HostOutcome {
  return {
    ok: false,
    error: { domain: capability, kind: 'internal', code: 0, message: `${capability} failed.` },
  }
}

/** What everything that is pending rejects with. */
export function endError(end: SandboxEnd): PaddockError {
  return end.error === null
    ? new PaddockError('sandbox.stopped', 'The sandbox was stopped.')
    : PaddockError.fromReport(end.error)
}

/** Out of memory ends this process only, before the system looks for a victim of its own choice. */
export function tooLarge(residentBytes: number, limitBytes: number): PaddockError {
  const [used, limit] = [residentBytes, limitBytes].map((each) => Math.round(each / 1_048_576))
  return new PaddockError(
    'sandbox.out_of_memory',
    `The sandbox process held ${used} MiB of memory; ${limit} MiB are allowed.`,
  )
}

/** What stops a clock, and answers what lets it go on again, once. */
export function pausable(tell: (paused: boolean) => void): () => () => void {
  return () => {
    let isPaused = true
    tell(true)
    return () => {
      if (isPaused) tell(false)
      isPaused = false
    }
  }
}
