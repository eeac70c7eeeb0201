/** The store of secrets as the broker's other parts see it (spec tools 5). */
import type { CredentialRule } from '../../../shared/contracts/tool.ts'
import type { SecretView } from '../../../shared/domain/tool.ts'
import type { ExactSecret } from '../scan/types.ts'

/** Shorter values are not usable as credentials: they would be found everywhere (spec tools 6). */
export const minSecretBytes = 6
export const maxSecretBytes = 65_536
/** After that long a call's values are dropped, whatever the call does (spec tools 4). */
export const leaseMs = 300_000

/** A value that may be injected now. Never kept beyond the request. */
export interface StagedSecret {
  readonly rule: CredentialRule
  /** Overwritten when the lease ends. */
  readonly value: Buffer
}

/** All or nothing: with one required value missing nothing is staged (spec tools 4 step 9). */
export type Staging =
  | { readonly ok: true; readonly staged: readonly StagedSecret[] }
  | { readonly ok: false; readonly missing: readonly string[] }

/** The values of one call, fetched once when it is made. */
export interface SecretLease {
  /** What was fetched, for the scanner; empty once the lease has ended. */
  exact(): readonly ExactSecret[]
  /** The values of these rules, which must be among those leased; optional ones that are missing are left out. */
  stage(rules: readonly CredentialRule[]): Staging
  /** Overwrites the values; safe to call again. Done by itself after 300 s. */
  end(): void
}

export interface SecretVault {
  /** In ascending order of name. `grants` is empty: they are the engine's. */
  list(): Promise<SecretView[]>
  /** Throws `secret.bad_name`, `secret.bad_value`, `secret.no_key`, `secret.unwritable`. `value` is overwritten in any case. */
  set(name: string, value: Uint8Array): Promise<void>
  /** Throws `secret.unknown`, `secret.unwritable`. */
  remove(name: string): Promise<void>
  /** Whether there is a usable value. Consumes and reveals nothing, never throws. */
  has(name: string): boolean
  /**
   * Fetches every value that these rules name and that there is. Never throws for a value that is missing or cannot be
   * opened: staging tells that.
   */
  lease(rules: readonly CredentialRule[]): Promise<SecretLease>
  /** Writes what is not written yet, overwrites the data key and ends all leases. */
  close(): Promise<void>
}

export interface VaultOptions {
  /** `secrets.json` in the state directory. */
  readonly file: string
  /**
   * 32 bytes from the engine's key source; the vault overwrites its copy when it is closed. Empty where the engine has
   * none: secrets are listed then, but none can be set or used.
   */
  readonly dataKey: Uint8Array
  /** Unix milliseconds. */
  readonly now: () => number
}
