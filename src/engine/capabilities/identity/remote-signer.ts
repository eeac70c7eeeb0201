/** A signer elsewhere, over JSON-RPC as wallets speak it (EIP-1193 methods); what it answers is checked. */
import { keccak256, parseTransaction, serializeTransaction, type Hex, type Signature } from 'viem'
import { z } from 'zod'
import type { HostFailure } from '../capability.ts'
import { serviceSender, type SendToService } from '../services/service-http.ts'
import { identityFailure, userRefused } from './failures.ts'
import type { Signable } from './signables.ts'
import { isSignedBy, readSignature } from './signature.ts'

/** A person at the other end has as long as one here. */
const answerMs = 120_000
const maxResponseBytes = 2 * 1024 * 1024

const reply = z.union([
  z.object({ error: z.object({ code: z.number(), message: z.string() }) }),
  z.object({ result: z.unknown() }),
])
const hexText = z.string().regex(/^0x([0-9a-fA-F]{2})+$/)
const signedTransaction = z.union([hexText, z.object({ raw: hexText }).transform(({ raw }) => raw)])

export class RemoteSigner {
  private readonly send: SendToService
  private nextId = 1

  constructor(send: SendToService = serviceSender('identity')) {
    this.send = send
  }

  /**
   * The account's signature over the signable's digest. Throws `HostFailure`: unavailable where the signer cannot be
   * reached or answers what is no such signature, denied 4001 where a person refused there.
   */
  async sign(url: string, account: string, signable: Signable, signal: AbortSignal): Promise<Signature> {
    const signature = await this.ask(url, account, signable, signal)
    if (signature !== null && (await isSignedBy(account, signable.digest, signature))) return signature
    throw identityFailure('unavailable', 'The remote signer gave a signature that is not of the account.')
  }

  private async ask(
    url: string,
    account: string,
    signable: Signable,
    signal: AbortSignal,
  ): Promise<Signature | null> {
    switch (signable.method) {
      case 'sign': {
        const message = `0x${Buffer.from(signable.message).toString('hex')}`
        return signatureOf(await this.call(url, 'personal_sign', [message, account], signal))
      }
      case 'sign-typed-data':
        return signatureOf(
          await this.call(url, 'eth_signTypedData_v4', [account, signable.canonical], signal),
        )
      case 'sign-transaction': {
        const request = transactionRequest(account, signable)
        const parsed = signedTransaction.safeParse(
          await this.call(url, 'eth_signTransaction', [request], signal),
        )
        return parsed.success ? signatureIn(parsed.data as Hex, signable.digest) : null
      }
    }
  }

  private async call(url: string, method: string, params: unknown[], signal: AbortSignal): Promise<unknown> {
    const response = await this.send({
      method: 'POST',
      url: new URL(url),
      headers: [
        ['content-type', 'application/json'],
        ['accept', 'application/json'],
      ],
      body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: this.nextId++, method, params })),
      timeoutMs: answerMs,
      maxResponseBytes,
      signal,
    })
    const parsed = reply.safeParse(jsonOf(response.body))
    if (!parsed.success) throw identityFailure('unavailable', 'The remote signer does not speak JSON-RPC.')
    if ('result' in parsed.data) return parsed.data.result
    throw refusalOf(parsed.data.error.code)
  }
}

function refusalOf(code: number): HostFailure {
  return code === userRefused
    ? identityFailure('denied', 'The signature was refused.', userRefused)
    : identityFailure('unavailable', `The remote signer answered with error ${code}.`)
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

function signatureOf(result: unknown): Signature | null {
  const parsed = hexText.safeParse(result)
  return parsed.success ? readSignature(new Uint8Array(Buffer.from(parsed.data.slice(2), 'hex'))) : null
}

/** The signature of a transaction that is ours in everything else. */
function signatureIn(serialized: Hex, digest: Hex): Signature | null {
  try {
    const { r, s, yParity, ...rest } = parseTransaction(serialized)
    if (r === undefined || s === undefined || yParity === undefined) return null
    if (keccak256(serializeTransaction(rest)) !== digest) return null
    return { r, s, yParity }
  } catch {
    return null
  }
}

function transactionRequest(
  account: string,
  { transaction }: Signable & { method: 'sign-transaction' },
): Record<string, unknown> {
  const quantity = (value: bigint | number | undefined): string | undefined =>
    value === undefined ? undefined : `0x${value.toString(16)}`
  return {
    from: account,
    to: transaction.to ?? undefined,
    value: quantity(transaction.value),
    data: transaction.data,
    nonce: quantity(transaction.nonce),
    gas: quantity(transaction.gas),
    gasPrice: quantity(transaction.gasPrice),
    maxFeePerGas: quantity(transaction.maxFeePerGas),
    maxPriorityFeePerGas: quantity(transaction.maxPriorityFeePerGas),
    accessList: transaction.accessList,
    chainId: quantity(transaction.chainId),
  }
}
