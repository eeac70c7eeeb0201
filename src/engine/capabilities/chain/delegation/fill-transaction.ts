import { numberToHex } from 'viem'
import { z } from 'zod'
import type { UnsignedTransaction } from '../../identity/account-signer.ts'
import { chainFailure } from '../failures.ts'
import type { TransactionRequest } from './transaction-request.ts'

/** Asks the chain; the JSON text of the result. */
export type AskChain = (method: string, params: readonly unknown[]) => Promise<string>

const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform(BigInt)
const headSchema = z.object({ baseFeePerGas: quantity.nullish() })

/** Fills what a module left out (spec nexum-host 8.6). Rejects with what the chain answers. */
export async function fillTransaction(
  ask: AskChain,
  chainId: string,
  request: TransactionRequest,
  nonce: bigint,
): Promise<UnsignedTransaction> {
  const fees = await fillFees(ask, request)
  return {
    chainId,
    nonce,
    gas: request.gas ?? request.gasLimit ?? (await estimateGas(ask, request)),
    to: request.to ?? null,
    value: request.value ?? 0n,
    data: request.data ?? request.input ?? '0x',
    fees,
    ...(request.accessList === null ? {} : { accessList: request.accessList }),
  }
}

/** The account's next nonce as the node sees it, transactions that wait included. */
export async function pendingNonce(ask: AskChain, account: string): Promise<bigint> {
  return readQuantity(await ask('eth_getTransactionCount', [account, 'pending']))
}

async function fillFees(ask: AskChain, request: TransactionRequest): Promise<UnsignedTransaction['fees']> {
  if (request.gasPrice !== null) return { type: 'legacy', gasPrice: request.gasPrice }
  const { maxFeePerGas: cap, maxPriorityFeePerGas: tip } = request
  if (cap !== null && tip !== null) return { type: 'eip1559', maxFeePerGas: cap, maxPriorityFeePerGas: tip }
  const base = await baseFee(ask)
  if (base === null) return { type: 'legacy', gasPrice: readQuantity(await ask('eth_gasPrice', [])) }
  const asked = tip ?? readQuantity(await ask('eth_maxPriorityFeePerGas', []))
  const most = cap ?? 2n * base + asked
  // A tip above what is paid at all is refused by every node.
  const maxPriorityFeePerGas = asked < most ? asked : most
  return { type: 'eip1559', maxFeePerGas: most, maxPriorityFeePerGas }
}

/** Null on a chain without EIP-1559. */
async function baseFee(ask: AskChain): Promise<bigint | null> {
  const head = headSchema.safeParse(JSON.parse(await ask('eth_getBlockByNumber', ['latest', false])))
  if (!head.success) throw notUsable()
  return head.data.baseFeePerGas ?? null
}

async function estimateGas(ask: AskChain, request: TransactionRequest): Promise<bigint> {
  const { from, to, value, data, input, accessList } = request
  const call = {
    from,
    ...(to === null ? {} : { to }),
    ...(value === null ? {} : { value: numberToHex(value) }),
    ...(data === null && input === null ? {} : { data: data ?? input }),
    ...(accessList === null ? {} : { accessList }),
  }
  return readQuantity(await ask('eth_estimateGas', [call]))
}

function readQuantity(result: string): bigint {
  const parsed = quantity.safeParse(JSON.parse(result))
  if (!parsed.success) throw notUsable()
  return parsed.data
}

function notUsable(): Error {
  return chainFailure('unavailable', -32603, 'The node did not answer with a quantity.')
}
