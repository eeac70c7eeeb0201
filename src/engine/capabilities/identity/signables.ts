/** The three things an account signs: their digest, what a person is shown, and how a signature completes them. */
import { keccak256, serializeTransaction, type Hex, type TransactionSerializable } from 'viem'
import type { SignedContent } from '../../../shared/domain/identity.ts'
import { maxSignedMessageBytes, maxTypedDataCharacters } from '../../../shared/domain/limits.ts'
import { keccakInTurns } from '../../keccak.ts'
import type { UnsignedTransaction } from './account-signer.ts'
import { identityFailure } from './failures.ts'
import { shownMessage, shownTransaction, shownTypedData } from './shown.ts'
import { TypedDataError } from './typed-data/typed-data-error.ts'
import { readTypedData } from './typed-data/typed-data.ts'

interface Common {
  readonly digest: Hex
  readonly content: SignedContent
  /** Decimal; null where none is named. */
  readonly chainId: string | null
}

export type Signable = Common &
  (
    | { readonly method: 'sign'; readonly message: Uint8Array }
    | { readonly method: 'sign-typed-data'; readonly canonical: string }
    | { readonly method: 'sign-transaction'; readonly transaction: TransactionSerializable }
  )

/** Rejects with `HostFailure` (invalid-input), which the others throw. */
export async function signableMessage(message: Uint8Array): Promise<Signable> {
  if (message.length > maxSignedMessageBytes) {
    throw identityFailure('invalid-input', 'The message is larger than is allowed.')
  }
  const prefix = Buffer.from(`\u0019Ethereum Signed Message:\n${message.length}`)
  return {
    method: 'sign',
    message,
    digest: await keccakInTurns(prefix, message),
    content: shownMessage(message),
    chainId: null,
  }
}

export function signableTypedData(json: string): Signable {
  if (json.length > maxTypedDataCharacters || Buffer.byteLength(json) > maxTypedDataCharacters) {
    throw identityFailure('invalid-input', 'The typed data is larger than is allowed.')
  }
  try {
    const document = readTypedData(json)
    const chainId = document.domain.find(({ path }) => path === 'domain.chainId')?.value ?? null
    return {
      method: 'sign-typed-data',
      canonical: document.canonical,
      digest: document.digest,
      content: shownTypedData(document),
      chainId: chainId !== null && /^\d{1,20}$/.test(chainId) ? chainId : null,
    }
  } catch (error) {
    if (error instanceof TypedDataError) throw identityFailure('invalid-input', error.message)
    throw error
  }
}

export function signableTransaction(unsigned: UnsignedTransaction): Signable {
  const transaction = toViem(unsigned)
  let serialized: Hex
  try {
    serialized = serializeTransaction(transaction)
  } catch {
    throw identityFailure('invalid-input', 'The transaction has values that cannot be signed.')
  }
  return {
    method: 'sign-transaction',
    transaction,
    digest: keccak256(serialized),
    content: shownTransaction(serialized),
    chainId: unsigned.chainId,
  }
}

function toViem(unsigned: UnsignedTransaction): TransactionSerializable {
  const chainId = Number(unsigned.chainId)
  const nonce = Number(unsigned.nonce)
  if (!Number.isSafeInteger(chainId) || !Number.isSafeInteger(nonce)) {
    throw identityFailure('invalid-input', 'The chain id or the nonce is out of range.')
  }
  const { gas, to, value, data, fees, accessList } = unsigned
  const common = { chainId, nonce, gas, value, data, ...(to === null ? {} : { to }) }
  const access = accessList === undefined ? {} : { accessList: accessList.map(copied) }
  if (fees.type === 'eip1559') {
    const { maxFeePerGas, maxPriorityFeePerGas } = fees
    return { ...common, ...access, type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas }
  }
  const { gasPrice } = fees
  return accessList === undefined
    ? { ...common, type: 'legacy', gasPrice }
    : { ...common, ...access, type: 'eip2930', gasPrice }
}

function copied(entry: { readonly address: Hex; readonly storageKeys: readonly Hex[] }): {
  address: Hex
  storageKeys: Hex[]
} {
  return { address: entry.address, storageKeys: [...entry.storageKeys] }
}
