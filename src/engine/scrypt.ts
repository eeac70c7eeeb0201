/** Keys from passphrases (RFC 7914). */
import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'

/** What it costs: about half a second and 128 MiB with `usualCost` on a usual machine. */
export interface ScryptCost {
  readonly n: number
  readonly r: number
  readonly p: number
}
export const usualCost: ScryptCost = { n: 131_072, r: 8, p: 1 }

/** Passphrases below are refused for what is encrypted now. */
export const minPassphrase = 8

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
)

/** `bytes` of key, off the main thread. The caller overwrites them. */
export function deriveScrypt(
  passphrase: string,
  salt: Buffer,
  bytes: number,
  { n, r, p }: ScryptCost,
): Promise<Buffer> {
  return derive(passphrase, salt, bytes, { N: n, r, p, maxmem: 128 * r * (n + p + 2) + 1024 * 1024 })
}
