/** Where keys are: key files, a test key in memory, a remote signer (spec nexum-host 8.11). */
import type { Signature } from 'viem'
import type { Operator } from '../../../shared/domain/operator/operator.ts'
import { identityFailure } from './failures.ts'
import { Keystore, type KeystoreOptions } from './keystore/keystore.ts'
import { addressOf } from './keystore/secret-file.ts'
import { RemoteSigner } from './remote-signer.ts'
import type { Signable } from './signables.ts'
import { signWithKey } from './signature.ts'

type IdentitySettings = Operator['identity']

/** Signs with one account, whose source is open now. */
export interface OpenAccount {
  /** Whether a person elsewhere may have to agree, who takes as long as one here. */
  readonly isRemote: boolean
  sign(signable: Signable, signal: AbortSignal): Promise<Signature>
}

export interface SourcesOptions {
  /** Looked up at each call: the operator may change them. */
  readonly settings: () => IdentitySettings
  /** Where key files are unless the settings say. */
  readonly directory: string
  readonly now: () => number
  readonly cost?: KeystoreOptions['cost']
  readonly remote?: RemoteSigner
}

export class KeySources {
  private readonly options: SourcesOptions
  private readonly remoteSigner: RemoteSigner
  private opened: { readonly directory: string; readonly keystore: Keystore } | undefined

  constructor(options: SourcesOptions) {
    this.options = options
    this.remoteSigner = options.remote ?? new RemoteSigner()
  }

  get directory(): string {
    return this.options.settings().keystore ?? this.options.directory
  }

  /** Of the folder in the settings; another folder begins with everything locked. */
  get keystore(): Keystore {
    const { directory } = this
    if (this.opened?.directory === directory) return this.opened.keystore
    this.opened?.keystore.lock()
    const { now, cost } = this.options
    const keystore = new Keystore({ directory, now, ...(cost === undefined ? {} : { cost }) })
    this.opened = { directory, keystore }
    return keystore
  }

  /** Address and key of the test key, where it is enabled. */
  testKey(): { readonly address: string; readonly key: Uint8Array } | null {
    const { testKey, testKeyEnabled } = this.options.settings()
    if (testKey === null || !testKeyEnabled) return null
    const key = new Uint8Array(Buffer.from(testKey.slice(2), 'hex'))
    try {
      return { address: addressOf(key), key }
    } catch {
      return null
    }
  }

  get remoteUrl(): string | null {
    return this.options.settings().remote
  }

  /** Whether anything could sign at all. */
  get any(): boolean {
    return this.keystore.accounts().length > 0 || this.testKey() !== null || this.remoteUrl !== null
  }

  /** Whether a source has the account; the remote signer is taken to have every account that no other has. */
  knows(address: string): boolean {
    return this.remoteUrl !== null || this.keystore.has(address) || this.testKey()?.address === address
  }

  /** Throws `HostFailure`: unavailable for an account that is locked or gone. */
  open(address: string): OpenAccount {
    const key = this.keystore.key(address)
    if (key !== undefined) return local(key)
    if (this.keystore.has(address)) throw identityFailure('unavailable', 'The account is locked.')
    const test = this.testKey()
    if (test?.address === address) return local(test.key)
    const url = this.remoteUrl
    if (url === null) throw identityFailure('unavailable', 'The account is not there any more.')
    return {
      isRemote: true,
      sign: (signable, signal) => this.remoteSigner.sign(url, address, signable, signal),
    }
  }

  close(): void {
    this.opened?.keystore.lock()
  }
}

function local(key: Uint8Array): OpenAccount {
  return { isRemote: false, sign: (signable) => signWithKey(key, signable.digest) }
}
