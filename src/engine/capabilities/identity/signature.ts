import { recoverAddress, serializeTransaction, type Hex, type Signature } from 'viem'
import { sign } from 'viem/accounts'
import type { Signable } from './signables.ts'

/** Half the order of secp256k1: a greater s has a twin that is as good, and is refused by many (EIP-2). */
const maxS = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** r and s with the parity of the point, in the form all sources answer. */
export async function signWithKey(key: Uint8Array, digest: Hex): Promise<Signature> {
  return await sign({ hash: digest, privateKey: `0x${Buffer.from(key).toString('hex')}` })
}

/** 65 bytes: r, s, v of 27 or 28 (spec nexum-host 8.11). */
export function signatureBytes({ r, s, yParity }: Signature): Uint8Array {
  return new Uint8Array(
    Buffer.from(
      r.slice(2).padStart(64, '0') + s.slice(2).padStart(64, '0') + (yParity === 0 ? '1b' : '1c'),
      'hex',
    ),
  )
}

/** Reads 65 bytes with v of 0, 1, 27 or 28; null for anything else, and for a high s. */
export function readSignature(bytes: Uint8Array): Signature | null {
  const v = bytes[64]
  if (bytes.length !== 65 || v === undefined) return null
  const yParity = v >= 27 ? v - 27 : v
  if (yParity !== 0 && yParity !== 1) return null
  const text = Buffer.from(bytes).toString('hex')
  const r: Hex = `0x${text.slice(0, 64)}`
  const s: Hex = `0x${text.slice(64, 128)}`
  return BigInt(s) > maxS ? null : { r, s, yParity }
}

/** Whether the signature is the account's over the digest. */
export async function isSignedBy(account: string, digest: Hex, signature: Signature): Promise<boolean> {
  try {
    const signer = await recoverAddress({ hash: digest, signature })
    return signer.toLowerCase() === account
  } catch {
    return false
  }
}

/** The signed transaction, serialised. */
export function signedTransaction(
  signable: Signable & { method: 'sign-transaction' },
  signature: Signature,
): Hex {
  return serializeTransaction(signable.transaction, signature)
}
