/** Encryption of one value (AES-256-GCM): bound to the store, the name and the times, so that no two can be swapped. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16
export const dataKeyBytes = 32

/** In base64: 12 bytes that are never used again, 16 that prove it whole, and the ciphertext. */
export function seal(key: Uint8Array, value: Uint8Array, context: readonly string[]): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, key, iv)
  cipher.setAAD(contextBytes(context))
  const sealed = Buffer.concat([cipher.update(value), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** The value, which the caller overwrites; null where key, context or text are others than it was sealed with. */
export function unseal(key: Uint8Array, sealed: string, context: readonly string[]): Buffer | null {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length < ivBytes + tagBytes) return null
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
  decipher.setAAD(contextBytes(context))
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  // Decrypted before it is known to be whole: overwritten where it is not.
  const value = decipher.update(bytes.subarray(ivBytes + tagBytes))
  try {
    decipher.final()
    return value
  } catch {
    value.fill(0)
    return null
  }
}

/** No part of it can be mistaken for two. */
function contextBytes(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(context))
}
