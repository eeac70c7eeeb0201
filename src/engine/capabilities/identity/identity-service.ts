/** Accounts, who may use them, and what waits for a signature: for guests, for `chain`, and for the operator. */
import type { Hex } from 'viem'
import { z } from 'zod'
import type { AccountView, Approval, IdentityView } from '../../../shared/domain/identity.ts'
import { moduleGrants } from '../../../shared/domain/operator/grants.ts'
import type { InstalledModule } from '../../../shared/domain/settings.ts'
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import type { AuditTrail } from '../../audit/audit-trail.ts'
import type { Clock } from '../../clock.ts'
import type { MetricsPort } from '../../telemetry/metrics/metrics-port.ts'
import type { Capability, HostCallContext } from '../capability.ts'
import type { AccountSigner } from './account-signer.ts'
import { Approvals } from './approvals.ts'
import { identityFailure } from './failures.ts'
import { checkMethod, grantedAccounts } from './granted.ts'
import type { ScryptCost } from '../../scrypt.ts'
import { signableMessage, signableTransaction, signableTypedData } from './signables.ts'
import { signatureBytes, signedTransaction } from './signature.ts'
import { Signing } from './signing.ts'
import { KeySources, type SourcesOptions } from './sources.ts'

export interface IdentityOptions {
  readonly settings: SourcesOptions['settings']
  /** Installed modules with their grants. */
  readonly records: () => readonly InstalledModule[]
  /** Where key files are unless the settings say. */
  readonly directory: string
  readonly clock: Clock
  readonly audit: Pick<AuditTrail, 'record'>
  readonly metrics: () => Pick<MetricsPort, 'signature' | 'signError'>
  /** What waits for the operator's answer, for the notices. */
  readonly onApprovals: (approvals: readonly Approval[]) => void
  readonly cost?: ScryptCost
}

const bytes = z.instanceof(Uint8Array)
const signArgs = z.tuple([bytes, bytes])
const typedDataArgs = z.tuple([bytes, z.string()])

export class IdentityService {
  readonly capability: Capability
  readonly signer: AccountSigner
  private readonly options: IdentityOptions
  private readonly sources: KeySources
  private readonly approvals: Approvals
  private readonly signing: Signing

  constructor(options: IdentityOptions) {
    const { clock, settings, directory, audit, metrics, records, cost } = options
    this.options = options
    this.sources = new KeySources({
      settings,
      directory,
      now: () => clock.now(),
      ...(cost === undefined ? {} : { cost }),
    })
    this.approvals = new Approvals(clock)
    this.approvals.onChange(options.onApprovals)
    this.signing = new Signing({
      sources: this.sources,
      approvals: this.approvals,
      audit,
      metrics,
      recordOf: (module) => records().find(({ name }) => name === module),
    })
    this.signer = this.createSigner()
    this.capability = {
      name: 'identity',
      functions: {
        accounts: (args, context) => this.accounts(args, context),
        sign: (args, context) => this.sign(args, context),
        'sign-typed-data': (args, context) => this.signTypedData(args, context),
      },
    }
  }

  /** Looks for key files. Never rejects: what keeps them from being used is in the view's warnings. */
  async open(): Promise<void> {
    await this.sources.keystore.refresh().catch(() => undefined)
  }

  async view(): Promise<IdentityView> {
    const warnings = this.problems().map(({ message, remedy }) => `${message} ${remedy}`)
    try {
      await this.sources.keystore.refresh()
    } catch (error) {
      warnings.push(error instanceof PaddockError ? error.message : 'The keystore folder cannot be used.')
    }
    return {
      accounts: this.accountViews(),
      approvals: this.approvals.list(),
      keystore: this.sources.directory,
      remote: this.sources.remoteUrl !== null,
      warnings,
    }
  }

  /** Settings that keep a source from being used. */
  problems(): ErrorReport[] {
    const { testKey, testKeyEnabled } = this.options.settings()
    if (testKey === null || testKeyEnabled) return []
    return [new PaddockError('identity.test_key_refused', 'A test key is set but not enabled.').toReport()]
  }

  /** Makes a new key and answers its address; it stays locked. Throws `identity.*`. */
  async create(passphrase: string): Promise<string> {
    return this.act('create', null, async () => await this.sources.keystore.create(passphrase))
  }

  /** Takes a private key or a key file's text and answers the address; it stays locked. Throws `identity.*`. */
  async import(secret: string, passphrase: string): Promise<string> {
    return this.act('import', null, async () => await this.sources.keystore.import(secret, passphrase))
  }

  /** Until it is locked or Paddock ends. Throws `identity.*`. */
  async unlock(address: string, passphrase: string): Promise<void> {
    await this.act('unlock', address, () => this.sources.keystore.unlock(address, passphrase))
  }

  /** Forgets the key of one account, or of all. */
  lock(address: string | null): void {
    this.sources.keystore.lock(address ?? undefined)
    this.tell('lock', address, 'done')
  }

  /** Takes the account's file out of the keystore; it is kept in the folder `removed`. Throws `identity.*`. */
  async remove(address: string): Promise<void> {
    await this.act('remove', address, () => this.sources.keystore.remove(address))
  }

  pendingApprovals(): Approval[] {
    return this.approvals.list()
  }

  /** Throws `identity.approval_gone`. */
  answer(id: string, approve: boolean): void {
    this.approvals.answer(id, approve)
  }

  /** Told of everything that waits whenever it changes. */
  onApprovals(listener: (approvals: Approval[]) => void): () => void {
    return this.approvals.onChange(listener)
  }

  /** Whether an account of this address could sign, locked or not. */
  knows(address: string): boolean {
    return this.sources.knows(address)
  }

  /** The module is stopping: what it waits for is refused, so that its call can end. */
  withdraw(module: string): void {
    this.approvals.withdraw(module)
  }

  /** Refuses what waits and forgets every key. */
  close(): void {
    this.approvals.withdraw()
    this.sources.close()
  }

  private createSigner(): AccountSigner {
    return {
      accounts: (context) => Promise.resolve(this.roster(context)),
      signMessage: async (context, account, message) => {
        const { signature } = await this.signing.sign(context, account, 'sign', () =>
          signableMessage(message),
        )
        return signatureBytes(signature)
      },
      signTypedData: async (context, account, json) => {
        const { signature } = await this.signing.sign(context, account, 'sign-typed-data', () =>
          signableTypedData(json),
        )
        return signatureBytes(signature)
      },
      signTransaction: async (context, account, transaction): Promise<Hex> => {
        const { signable, signature } = await this.signing.sign(context, account, 'sign', () =>
          signableTransaction(transaction),
        )
        if (signable.method !== 'sign-transaction') throw new Error('The signable changed its kind.')
        return signedTransaction(signable, signature)
      },
    }
  }

  private async accounts(args: readonly unknown[], context: HostCallContext): Promise<Uint8Array[]> {
    if (args.length !== 0) throw malformed()
    const accounts = await this.signer.accounts(context)
    return accounts.map((address) => new Uint8Array(Buffer.from(address.slice(2), 'hex')))
  }

  private async sign(args: readonly unknown[], context: HostCallContext): Promise<Uint8Array> {
    const parsed = signArgs.safeParse(args)
    if (!parsed.success) throw malformed()
    const [account, message] = parsed.data
    return await this.signer.signMessage(context, hexOf(account), message)
  }

  private async signTypedData(args: readonly unknown[], context: HostCallContext): Promise<Uint8Array> {
    const parsed = typedDataArgs.safeParse(args)
    if (!parsed.success) throw malformed()
    const [account, json] = parsed.data
    return await this.signer.signTypedData(context, hexOf(account), json)
  }

  private roster(context: HostCallContext): string[] {
    checkMethod(context, 'accounts')
    return grantedAccounts(context).filter((address) => this.sources.knows(address))
  }

  private accountViews(): AccountView[] {
    const views = new Map<string, AccountView>()
    const add = (
      address: string,
      source: AccountView['source'],
      locked: boolean,
      createdAt: number | null,
    ): void => {
      if (!views.has(address))
        views.set(address, { address, source, locked, createdAt, grants: this.grantsOf(address) })
    }
    for (const { address, isLocked, createdAt } of this.sources.keystore.accounts()) {
      add(address, 'keystore', isLocked, createdAt)
    }
    const test = this.sources.testKey()
    if (test !== null) add(test.address, 'test-key', false, null)
    if (this.sources.remoteUrl !== null) {
      for (const record of this.options.records()) {
        for (const address of moduleGrants(record).accounts) add(address, 'remote', false, null)
      }
    }
    return [...views.values()]
  }

  private grantsOf(address: string): AccountView['grants'] {
    return this.options.records().flatMap((record) => {
      const { accounts, approval } = moduleGrants(record)
      return accounts.includes(address) ? [{ module: record.name, approval }] : []
    })
  }

  private async act<T>(action: string, address: string | null, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      this.tell(action, typeof result === 'string' ? result : address, 'done')
      return result
    } catch (error) {
      this.tell(action, address, 'failed')
      throw error
    }
  }

  private tell(action: string, account: string | null, verdict: 'done' | 'failed'): void {
    this.options.audit.record({
      kind: 'keystore',
      module: null,
      verdict,
      method: action,
      text: `Keystore: ${action}${verdict === 'failed' ? ' failed' : ''}`,
      ...(account === null ? {} : { account }),
    })
  }
}

/** Whatever its length: that of an address is checked with the other rules. */
function hexOf(account: Uint8Array): string {
  return `0x${Buffer.from(account.subarray(0, 64)).toString('hex')}`
}

function malformed(): Error {
  return identityFailure('invalid-input', 'The call does not have the shape of its interface.')
}
