/** The export `init` of `nexum:host` modules: the first call of a run (spec nexum-host 12.1). */
import type { GuestConfig } from '../../shared/contracts/event-module.ts'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { HostErrorKind } from '../../shared/sandbox/host-error.ts'
import type { CallOutcome } from '../../shared/sandbox/protocol.ts'
import type { CallEnd } from '../events/admission.ts'
import { hostErrorReport } from '../sandboxes/guest-errors.ts'
import type { Sandbox } from '../sandboxes/sandbox.ts'
import type { InitOutcome, SessionContext } from './session.ts'

/** Kinds of an error returned by `init` that mean: this configuration will never work (spec nexum-host 12.1). */
const rejectingKinds: readonly HostErrorKind[] = ['invalid-input', 'unsupported', 'denied']

/** Calls `init` with the module's configuration; `sequence` is committed with what it writes. Never rejects. */
export async function runInit(
  { admission, manifest }: Pick<SessionContext, 'admission' | 'manifest'>,
  sandbox: Sandbox,
  sequence: number,
): Promise<InitOutcome> {
  const payload: GuestConfig = manifest.config.map(([key, value]) => [key, value])
  const ended = new AbortController()
  const stopListening = sandbox.onEnd(() => ended.abort())
  try {
    const ticket = await admission.admitWhenFree(ended.signal)
    let end: CallEnd = 'lost'
    try {
      const reply = await sandbox.call({
        id: sandbox.allocateCallId(),
        sequence,
        operation: 'init',
        payload,
        cursor: null,
        fuel: ticket.fuel,
        deadlineMs: ticket.deadlineMs,
        context: { eventType: 'init' },
      })
      end = reply.outcome.status === 'not-started' ? 'not-started' : reply.usage
      return judge(reply.outcome)
    } finally {
      admission.settle(ticket, end)
    }
  } catch (error) {
    return { kind: 'failed', error: toErrorReport(error, 'sandbox.exited') }
  } finally {
    stopListening()
  }
}

function judge(outcome: CallOutcome): InitOutcome {
  switch (outcome.status) {
    case 'ok':
      return { kind: 'ok' }
    case 'guest-error': {
      const { error } = outcome
      if (!rejectingKinds.includes(error.kind)) return { kind: 'failed', error: hostErrorReport(error) }
      const rejected = new PaddockError(
        'module.init_rejected',
        `init refused its configuration: ${error.message}`,
      )
      return { kind: 'rejected', error: rejected.toReport() }
    }
    case 'failed':
      return { kind: 'failed', error: outcome.error }
    case 'not-started': {
      const error = new PaddockError('sandbox.exited', 'init never reached the guest.')
      return { kind: 'failed', error: error.toReport() }
    }
  }
}
