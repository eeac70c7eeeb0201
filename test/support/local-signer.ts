import { hexToBytes } from 'viem'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { HostCallContext } from '../../src/engine/capabilities/capability.ts'
import type {
  AccountSigner,
  UnsignedTransaction,
} from '../../src/engine/capabilities/identity/account-signer.ts'

/** Accounts with keys at hand, granted by module name. */
export class LocalSigner implements AccountSigner {
  readonly #accounts: ReadonlyMap<string, ReturnType<typeof privateKeyToAccount>>
  readonly #granted: Readonly<Record<string, readonly string[]>>

  constructor(keys: readonly Hex[], granted: Readonly<Record<string, readonly string[]>>) {
    const accounts = keys.map((key) => privateKeyToAccount(key))
    this.#accounts = new Map(accounts.map((account) => [account.address.toLowerCase(), account]))
    this.#granted = granted
  }

  accounts({ module }: HostCallContext): Promise<string[]> {
    return Promise.resolve([...(this.#granted[module] ?? [])])
  }

  async signMessage(_context: HostCallContext, account: string, message: Uint8Array): Promise<Uint8Array> {
    return hexToBytes(await this.#account(account).signMessage({ message: { raw: message } }))
  }

  async signTypedData(_context: HostCallContext, account: string, json: string): Promise<Uint8Array> {
    return hexToBytes(await this.#account(account).signTypedData(JSON.parse(json) as never))
  }

  signTransaction(
    _context: HostCallContext,
    account: string,
    transaction: UnsignedTransaction,
  ): Promise<Hex> {
    const { chainId, nonce, gas, to, value, data, fees } = transaction
    return this.#account(account).signTransaction({
      chainId: Number(chainId),
      nonce: Number(nonce),
      gas,
      to,
      value,
      data,
      ...fees,
    } as never)
  }

  #account(address: string): ReturnType<typeof privateKeyToAccount> {
    const account = this.#accounts.get(address)
    if (account === undefined) throw new Error(`no key for ${address}`)
    return account
  }
}
