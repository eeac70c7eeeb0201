/** Signing as other capabilities use it: whatever holds the keys, under the grants of the module that calls. */
import type { Hex } from 'viem'
import type { HostCallContext } from '../capability.ts'

/** A transaction with every field filled, ready to be signed. */
export interface UnsignedTransaction {
  /** Decimal chain id, signed with it (EIP-155). */
  readonly chainId: string
  readonly nonce: bigint
  readonly gas: bigint
  /** Null creates a contract. 0x and 40 hexadecimal digits. */
  readonly to: Hex | null
  /** Wei. */
  readonly value: bigint
  readonly data: Hex
  /** EIP-1559 where the chain has a base fee, else the legacy form; wei per gas. */
  readonly fees:
    | { readonly type: 'eip1559'; readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }
    | { readonly type: 'legacy'; readonly gasPrice: bigint }
  /** EIP-2930; absent where the module gave none. */
  readonly accessList?: readonly { readonly address: Hex; readonly storageKeys: readonly Hex[] }[]
}

/**
 * Signs with the accounts that are granted to the calling module. Each function fails with `HostFailure` of the
 * domain `identity` (spec nexum-host 8.11): not granted or a bad argument is invalid-input, a locked source
 * unavailable, no source unsupported 501, a method the manifest leaves out denied, and a person's no denied 4001.
 */
export interface AccountSigner {
  /** Granted accounts in a stable order, 0x and 40 lower-case hexadecimal digits; none is no failure. */
  accounts(context: HostCallContext): Promise<string[]>
  /** EIP-191 personal message: the prefix is put before `message` here, once. Answers 65 bytes r, s, v. */
  signMessage(context: HostCallContext, account: string, message: Uint8Array): Promise<Uint8Array>
  /** EIP-712; `json` is the document's text. Answers 65 bytes r, s, v. */
  signTypedData(context: HostCallContext, account: string, json: string): Promise<Uint8Array>
  /** Answers the signed, serialised transaction. Nothing is sent. */
  signTransaction(context: HostCallContext, account: string, transaction: UnsignedTransaction): Promise<Hex>
}
