/** The key of the secrets, protected by the machine's keychain: for the app. */
import { randomBytes } from 'node:crypto'
import { PaddockError } from '../../shared/errors.ts'
import {
  dataKeyBytes,
  keyDamaged,
  otherProtection,
  readKeyFile,
  writeKeyFile,
  type SecretFiles,
} from './key-file.ts'

/** What the app's platform offers; everything may throw. */
export interface Keychain {
  /** Whether what it encrypts can be opened by nobody else: a fixed password in a program does not count. */
  isUsable(): Promise<boolean>
  encrypt(text: string): Promise<Uint8Array>
  decrypt(sealed: Uint8Array): Promise<string>
}

/**
 * 32 bytes, which the caller overwrites; made with the first use. Throws `secret.keychain_unavailable`,
 * `secret.other_protection` and what `readKeyFile` and `writeKeyFile` throw.
 */
export async function keychainKey(files: SecretFiles, keychain: Keychain): Promise<Uint8Array> {
  const protection = await readKeyFile(files)
  if (protection !== null && protection.kind !== 'keychain') throw otherProtection()
  if (!(await ask(() => keychain.isUsable()))) throw unavailable()
  if (protection === null) return await makeKey(files, keychain)
  const sealed = Buffer.from(protection.sealed, 'base64')
  const text = await ask(() => keychain.decrypt(sealed))
  const key = Buffer.from(text, 'base64')
  if (key.length === dataKeyBytes) return key
  key.fill(0)
  throw keyDamaged()
}

async function makeKey(files: SecretFiles, keychain: Keychain): Promise<Uint8Array> {
  const key = randomBytes(dataKeyBytes)
  const sealed = await ask(() => keychain.encrypt(key.toString('base64')))
  await writeKeyFile(files, { kind: 'keychain', sealed: Buffer.from(sealed).toString('base64') })
  return key
}

/** The platform's own words are kept out (spec tools 5). */
async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  try {
    return await question()
  } catch {
    throw unavailable()
  }
}

function unavailable(): PaddockError {
  return new PaddockError('secret.keychain_unavailable', 'The keychain of this machine cannot be used.')
}
