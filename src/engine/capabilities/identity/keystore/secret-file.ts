/** Key files in the form every Ethereum wallet reads: Web3 Secret Storage, version 3. */
import {
  createCipheriv,
  createDecipheriv,
  pbkdf2,
  randomBytes,
  randomUUID,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import { keccak256 } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { PaddockError } from '../../../../shared/errors.ts'
import { deriveScrypt, usualCost, type ScryptCost } from '../../../scrypt.ts'

const hex = (bytes: number): z.ZodString =>
  z.string().regex(new RegExp(`^(0x)?[0-9a-fA-F]{${bytes * 2}}$`), `${bytes} bytes in hexadecimal`)
const anyHex = z
  .string()
  .max(256)
  .regex(/^(0x)?([0-9a-fA-F]{2})*$/, 'bytes in hexadecimal')

/** Memory that deriving a key may take; geth's strongest setting takes 256 MiB. */
const maxScryptBytes = 1024 * 1024 * 1024
const maxPbkdf2Rounds = 10_000_000

const scryptParameters = z
  .object({
    dklen: z.number().int().min(32).max(64),
    n: z
      .number()
      .int()
      .min(2)
      .max(2 ** 24),
    r: z.number().int().min(1).max(64),
    p: z.number().int().min(1).max(16),
    salt: anyHex,
  })
  .refine(({ n }) => (n & (n - 1)) === 0, 'n must be a power of two')
  // RFC 7914, 2; what platforms offer computes no other.
  .refine(({ n, r }) => Math.log2(n) < 16 * r, 'n is too large for r')
  .refine(({ n, r }) => 128 * n * r <= maxScryptBytes, 'deriving the key would take too much memory')

const secretFileSchema = z.object({
  version: z.literal(3),
  id: z.string().max(64).optional(),
  address: hex(20).optional(),
  crypto: z.intersection(
    z.object({
      cipher: z.literal('aes-128-ctr'),
      cipherparams: z.object({ iv: hex(16) }),
      ciphertext: hex(32),
      mac: hex(32),
    }),
    z.discriminatedUnion('kdf', [
      z.object({ kdf: z.literal('scrypt'), kdfparams: scryptParameters }),
      z.object({
        kdf: z.literal('pbkdf2'),
        kdfparams: z.object({
          dklen: z.number().int().min(32).max(64),
          c: z.number().int().min(1).max(maxPbkdf2Rounds),
          prf: z.literal('hmac-sha256'),
          salt: anyHex,
        }),
      }),
    ]),
  ),
})
export type SecretFile = z.infer<typeof secretFileSchema>

const derivePbkdf2 = promisify(pbkdf2)

/** Reads a key file's text. Throws `identity.bad_key_file`, which never quotes it. */
export function parseSecretFile(text: string): SecretFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badFile('it is not JSON')
  }
  // Old files spell the member "Crypto".
  const known = isRecord(value) && !('crypto' in value) ? { ...value, crypto: value['Crypto'] } : value
  const parsed = secretFileSchema.safeParse(known)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw badFile(`${issue?.path.join('.') ?? ''} is not as version 3 has it`)
}

/** Encrypts a private key of 32 bytes. Off the main thread, but for a millisecond. */
export async function encryptKey(
  key: Uint8Array,
  passphrase: string,
  cost: ScryptCost = usualCost,
): Promise<SecretFile> {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const derived = await deriveScrypt(passphrase, salt, 32, cost)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(key), cipher.final()])
  const mac = macOf(derived, ciphertext)
  derived.fill(0)
  return {
    version: 3,
    id: randomUUID(),
    address: addressOf(key).slice(2),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'),
      mac: mac.toString('hex'),
      kdf: 'scrypt',
      kdfparams: { dklen: 32, ...cost, salt: salt.toString('hex') },
    },
  }
}

/** The private key, 32 bytes. Throws `identity.wrong_passphrase` and `identity.bad_key_file`. */
export async function decryptKey(file: SecretFile, passphrase: string): Promise<Uint8Array> {
  const { crypto } = file
  const ciphertext = bytesOf(crypto.ciphertext)
  const derived = await derive(crypto, passphrase)
  const mac = macOf(derived, ciphertext)
  if (!timingSafeEqual(mac, bytesOf(crypto.mac))) {
    derived.fill(0)
    throw new PaddockError('identity.wrong_passphrase', 'The passphrase does not open the key file.')
  }
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), bytesOf(crypto.cipherparams.iv))
  const key = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  derived.fill(0)
  let address: string
  try {
    address = addressOf(key)
  } catch {
    throw badFile('what it holds is no private key')
  }
  if (file.address !== undefined && `0x${file.address.replace(/^0x/, '').toLowerCase()}` !== address) {
    throw badFile('its key is of another address than it says')
  }
  return new Uint8Array(key)
}

/** 0x and 40 lower-case digits. Throws where the bytes are no private key. */
export function addressOf(key: Uint8Array): string {
  return privateKeyToAddress(`0x${Buffer.from(key).toString('hex')}`).toLowerCase()
}

function derive(crypto: SecretFile['crypto'], passphrase: string): Promise<Buffer> {
  const { kdfparams } = crypto
  const salt = bytesOf(kdfparams.salt)
  if (crypto.kdf === 'pbkdf2') {
    return derivePbkdf2(passphrase, salt, crypto.kdfparams.c, kdfparams.dklen, 'sha256')
  }
  return deriveScrypt(passphrase, salt, kdfparams.dklen, crypto.kdfparams)
}

function macOf(derived: Buffer, ciphertext: Uint8Array): Buffer {
  return bytesOf(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext])))
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text.replace(/^0x/, ''), 'hex')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function badFile(why: string): PaddockError {
  return new PaddockError('identity.bad_key_file', `The key file cannot be used: ${why}.`)
}
