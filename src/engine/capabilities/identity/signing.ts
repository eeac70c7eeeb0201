/** One signature from request to audit entry (spec nexum-host 8.11). */
import type { Signature } from 'viem'
import { moduleGrants } from '../../../shared/domain/operator/grants.ts'
import type { InstalledModule } from '../../../shared/domain/settings.ts'
import type { AuditTrail } from '../../audit/audit-trail.ts'
import type { MetricsPort } from '../../telemetry/metrics/metrics-port.ts'
import { HostFailure, type HostCallContext } from '../capability.ts'
import type { Approvals } from './approvals.ts'
import { identityFailure, userRefused } from './failures.ts'
import { checkMethod, grantedAccounts, readAddress } from './granted.ts'
import type { Signable } from './signables.ts'
import type { KeySources, OpenAccount } from './sources.ts'

export interface SigningOptions {
  readonly sources: KeySources
  readonly approvals: Approvals
  readonly audit: Pick<AuditTrail, 'record'>
  readonly metrics: () => Pick<MetricsPort, 'signature' | 'signError'>
  /** The module's record now; undefined when it is gone. */
  readonly recordOf: (module: string) => InstalledModule | undefined
}

const words: Readonly<Record<Signable['method'], string>> = {
  sign: 'a message',
  'sign-typed-data': 'typed data',
  'sign-transaction': 'a transaction',
}

export class Signing {
  private readonly options: SigningOptions

  constructor(options: SigningOptions) {
    this.options = options
  }

  /** Throws `HostFailure` by the order of the checks: method, source, account, content, lock, approval. */
  async sign(
    context: HostCallContext,
    account: string,
    method: 'sign' | 'sign-typed-data',
    prepare: () => Signable | Promise<Signable>,
  ): Promise<{ readonly signable: Signable; readonly signature: Signature }> {
    const { sources, metrics } = this.options
    const { module } = context
    try {
      checkMethod(context, method)
      if (!sources.any) throw identityFailure('unsupported', 'There is nothing to sign with.', 501)
      const address = readAddress(account)
      if (!grantedAccounts(context).includes(address)) {
        throw identityFailure('invalid-input', 'The account is not granted to this module.')
      }
      const signable = await prepare()
      const signature = await this.signAs(context, address, signable)
      metrics().signature(module, address)
      return { signable, signature }
    } catch (error) {
      if (error instanceof HostFailure) {
        const { kind, code } = error.hostError
        metrics().signError(module, code === 0 ? kind : String(code))
      }
      throw error
    }
  }

  private async signAs(context: HostCallContext, address: string, signable: Signable): Promise<Signature> {
    const { sources } = this.options
    // A locked account is told before anybody is asked.
    sources.open(address)
    await this.agree(context, address, signable)
    try {
      // Looked at again: the grant may have been taken back, or the account locked, while a person thought.
      const record = this.options.recordOf(context.module)
      if (record === undefined || !grantedAccounts({ ...context, record }).includes(address)) throw refused()
      const open = sources.open(address)
      if (context.signal.aborted) throw identityFailure('timeout', 'The call was called off.')
      const signature = await this.produce(context, open, signable)
      this.tell(context, address, signable, 'signature', 'done', `Signed ${words[signable.method]}`)
      return signature
    } catch (error) {
      this.tell(context, address, signable, 'signature', 'failed', `Could not sign ${words[signable.method]}`)
      throw error
    }
  }

  private async produce(context: HostCallContext, open: OpenAccount, signable: Signable): Promise<Signature> {
    if (!open.isRemote) return open.sign(signable, context.signal)
    const resume = context.pauseDeadline()
    try {
      return await open.sign(signable, context.signal)
    } finally {
      resume()
    }
  }

  /** Settles when the operator's grant, or the operator, agrees. Throws denied 4001. */
  private async agree(context: HostCallContext, address: string, signable: Signable): Promise<void> {
    const { approval } = moduleGrants(context.record)
    if (approval === 'auto') return
    if (approval === 'deny') {
      this.tell(context, address, signable, 'signature', 'denied', 'Signatures of this module are refused')
      throw refused()
    }
    const { module } = context
    const { method, chainId, digest, content } = signable
    const resume = context.pauseDeadline()
    try {
      const answer = await this.options.approvals.ask(
        { module, account: address, method, chainId, digest, content },
        context.signal,
      )
      const text = answer === 'expired' ? 'Nobody answered' : `You ${answer} ${words[method]}`
      this.tell(context, address, signable, 'approval', answer, text)
      if (answer !== 'approved') throw refused()
    } finally {
      resume()
    }
  }

  private tell(
    { module }: HostCallContext,
    account: string,
    { method, digest }: Signable,
    kind: 'signature' | 'approval',
    verdict: 'done' | 'failed' | 'denied' | 'approved' | 'refused' | 'expired',
    text: string,
  ): void {
    this.options.audit.record({
      kind,
      module,
      capability: 'identity',
      account,
      method,
      digest,
      verdict,
      text,
    })
  }
}

function refused(): HostFailure {
  return identityFailure('denied', 'The signature was refused.', userRefused)
}
