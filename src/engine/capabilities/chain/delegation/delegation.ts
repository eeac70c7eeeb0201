/** The signing methods of a chain, answered by the accounts that are granted to the module (spec nexum-host 8.6). */
import { bytesToHex, hexToBytes } from 'viem'
import type { Hex } from 'viem'
import { systemClock } from '../../../clock.ts'
import type { Clock } from '../../../clock.ts'
import { arrayElements } from '../../../chains/wires/raw-json.ts'
import { HostFailure } from '../../capability.ts'
import type { HostCallContext } from '../../capability.ts'
import type { AccountSigner } from '../../identity/account-signer.ts'
import { chainFailure, rpcCodes } from '../failures.ts'
import { fillTransaction, pendingNonce } from './fill-transaction.ts'
import type { AskChain } from './fill-transaction.ts'
import { Nonces } from './nonces.ts'
import { readTransactionRequest } from './transaction-request.ts'

/** Asks the chain as `AskChain`, and sends a transaction at most once. */
export interface ChainAccess {
  readonly ask: AskChain
  broadcast(transaction: Hex): Promise<string>
}

export class Delegation {
  readonly #signer: AccountSigner | null
  readonly #nonces: Nonces

  /** Without a signer there are no accounts. */
  constructor(signer: AccountSigner | null, clock: Clock = systemClock) {
    this.#signer = signer
    this.#nonces = new Nonces(clock)
  }

  /** JSON array of the granted accounts, lower-case. */
  async accounts(context: HostCallContext): Promise<string> {
    return JSON.stringify(await this.#accounts(context))
  }

  /** Does a signing method; answers JSON text. `params` is the guest's own JSON text. */
  async sign(
    method: string,
    params: string | undefined,
    chainId: string,
    chain: ChainAccess,
    context: HostCallContext,
  ): Promise<string> {
    const signer = this.#signer
    if (signer === null || !mayDelegate(context)) throw notGranted()
    const list: unknown = params === undefined ? [] : JSON.parse(params)
    if (!Array.isArray(list) || params === undefined) throw badParams('The params are no list.')
    switch (method) {
      case 'personal_sign':
        return this.#personalSign(signer, list as unknown[], context)
      case 'eth_signTypedData_v4':
        return this.#signTypedData(signer, list as unknown[], arrayElements(params), context)
      case 'eth_sendTransaction':
        return this.#sendTransaction(signer, list as unknown[], chainId, chain, context)
      default:
        throw chainFailure('denied', rpcCodes.methodNotFound, 'The method is not allowed.')
    }
  }

  async #personalSign(
    signer: AccountSigner,
    params: readonly unknown[],
    context: HostCallContext,
  ): Promise<string> {
    const [data, address] = params
    if (params.length < 2 || typeof data !== 'string') throw badParams('The params are not [data, address].')
    const account = await this.#granted(address, context)
    const isHex = /^0x(?:[0-9a-fA-F]{2})*$/.test(data)
    const message = isHex ? hexToBytes(data as Hex) : new TextEncoder().encode(data)
    return quoted(await asChain(() => signer.signMessage(context, account, message)))
  }

  async #signTypedData(
    signer: AccountSigner,
    params: readonly unknown[],
    texts: readonly string[],
    context: HostCallContext,
  ): Promise<string> {
    const [address, document] = params
    const text = texts[1]
    if (params.length < 2 || text === undefined) throw badParams('The params are not [address, document].')
    const account = await this.#granted(address, context)
    // The guest's own text, since parsing and printing it again would round large numbers.
    const json = typeof document === 'string' ? document : text
    return quoted(await asChain(() => signer.signTypedData(context, account, json)))
  }

  async #sendTransaction(
    signer: AccountSigner,
    params: readonly unknown[],
    chainId: string,
    chain: ChainAccess,
    context: HostCallContext,
  ): Promise<string> {
    const request = readTransactionRequest(params)
    if (typeof request === 'string') throw badParams(`The transaction cannot be read: ${request}.`)
    const account = await this.#granted(request.from, context)
    if (request.chainId !== null && request.chainId.toString() !== chainId) {
      throw badParams(`The transaction is for chain ${request.chainId} and not for ${chainId}.`)
    }
    const send = async (nonce: bigint): Promise<string> => {
      const transaction = await fillTransaction(chain.ask, chainId, request, nonce)
      const signed = await asChain(() => signer.signTransaction(context, account, transaction))
      return chain.broadcast(signed)
    }
    const { nonce } = request
    return nonce === null
      ? this.#nonces.withNonce(chainId, account, () => pendingNonce(chain.ask, account), send)
      : send(nonce)
  }

  async #accounts(context: HostCallContext): Promise<readonly string[]> {
    const signer = this.#signer
    if (signer === null || !mayDelegate(context)) return []
    return asChain(() => signer.accounts(context))
  }

  async #granted(address: unknown, context: HostCallContext): Promise<string> {
    if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address)) {
      throw badParams('The account is not 0x and 40 hexadecimal digits.')
    }
    const account = address.toLowerCase()
    if (!(await this.#accounts(context)).includes(account)) throw notGranted()
    return account
  }
}

/** `identity` is among what the module declares, and the operator did not refuse it. */
export function mayDelegate({ manifest, record }: HostCallContext): boolean {
  const { policy, required, optional } = manifest.capabilities
  const isDeclared = required.includes('identity') || optional.includes('identity')
  return policy === 'declared' && isDeclared && record.granted.includes('identity')
}

/** A failure of the signer is one of `chain` to a guest that called `chain`. */
async function asChain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error
    const { kind, code, message, data } = error.hostError
    throw chainFailure(kind, code, message, data)
  }
}

function quoted(signature: Uint8Array): string {
  return JSON.stringify(bytesToHex(signature))
}

function badParams(message: string): HostFailure {
  return chainFailure('invalid-input', rpcCodes.invalidParams, message)
}

function notGranted(): HostFailure {
  return chainFailure('denied', 0, 'No such account is granted to the module.')
}
