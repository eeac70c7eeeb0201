/** The key of the secrets, protected by a passphrase: for engines without a window. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { PaddockError } from '../../shared/errors.ts'
import { seal, unseal } from '../broker/secrets/seal.ts'
import { errnoOf } from '../errno.ts'
import { deriveScrypt, minPassphrase, usualCost, type ScryptCost } from '../scrypt.ts'
import {
  dataKeyBytes,
  keyDamaged,
  otherProtection,
  readKeyFile,
  writeKeyFile,
  type SecretFiles,
} from './key-file.ts'

const context = ['data key', 'passphrase', '1']

export interface PassphraseKeyOptions {
  readonly files: SecretFiles
  /** Its first line is the passphrase. Asked for each time, so that it is kept nowhere. */
  readonly passphraseFile: string
  /** What a new key is protected with; tests take less. */
  readonly cost?: ScryptCost
}

/**
 * 32 bytes, which the caller overwrites; made with the first use. Throws `secret.wrong_passphrase`,
 * `secret.weak_passphrase`, `secret.other_protection` and what `readKeyFile` and `writeKeyFile` throw.
 */
export async function passphraseKey({
  files,
  passphraseFile,
  cost = usualCost,
}: PassphraseKeyOptions): Promise<Uint8Array> {
  const passphrase = await readPassphrase(passphraseFile)
  const protection = await readKeyFile(files)
  if (protection === null) return await makeKey(files, passphrase, cost)
  if (protection.kind !== 'passphrase') throw otherProtection()
  const { salt, sealed, ...kept } = protection
  const wrapping = await derive(passphrase, Buffer.from(salt, 'base64'), kept)
  const key = unseal(wrapping, sealed, context)
  wrapping.fill(0)
  if (key === null)
    throw new PaddockError('secret.wrong_passphrase', 'The passphrase does not open the key of the secrets.')
  if (key.length === dataKeyBytes) return key
  key.fill(0)
  throw keyDamaged()
}

async function makeKey(files: SecretFiles, passphrase: string, cost: ScryptCost): Promise<Uint8Array> {
  if (passphrase.length < minPassphrase) {
    throw new PaddockError('secret.weak_passphrase', `A passphrase has at least ${minPassphrase} characters.`)
  }
  const key = randomBytes(dataKeyBytes)
  const salt = randomBytes(32)
  const wrapping = await derive(passphrase, salt, cost)
  const sealed = seal(wrapping, key, context)
  wrapping.fill(0)
  await writeKeyFile(files, {
    kind: 'passphrase',
    n: cost.n,
    r: cost.r,
    p: cost.p,
    salt: salt.toString('base64'),
    sealed,
  })
  return key
}

/** Parameters that the platform cannot compute are a damaged file. */
async function derive(passphrase: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  try {
    return await deriveScrypt(passphrase, salt, dataKeyBytes, cost)
  } catch {
    throw keyDamaged()
  }
}

async function readPassphrase(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/)[0] ?? ''
  } catch (error) {
    const code = errnoOf(error) ?? 'unknown'
    throw new PaddockError('secret.unreadable', `The passphrase file cannot be read (${code}).`, {
      remedy: 'Check the path and the permissions of the passphrase file.',
    })
  }
}
