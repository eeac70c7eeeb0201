/**
 * The file beside the secrets that holds their key, itself encrypted: by a passphrase or by the keychain of the machine.
 * The key is random, so that secrets of one state directory cannot be opened with the file of another.
 */
import { mkdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { PaddockError } from '../../shared/errors.ts'
import { writeFileAtomically } from '../atomic-file.ts'
import { errnoOf } from '../errno.ts'

export const dataKeyBytes = 32

/** Where one engine keeps its secrets and their key. */
export interface SecretFiles {
  readonly secrets: string
  readonly key: string
}

/** The files of a state directory; absolute where that is. */
export function secretFiles(stateDir: string): SecretFiles {
  const folder = path.join(stateDir, 'secrets')
  return { secrets: path.join(folder, 'secrets.json'), key: path.join(folder, 'data-key.json') }
}

const powerOfTwo = (n: number): boolean => (n & (n - 1)) === 0

const protectionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('passphrase'),
    n: z
      .number()
      .int()
      .min(2)
      .max(2 ** 20)
      .refine(powerOfTwo),
    r: z.number().int().min(1).max(32),
    p: z.number().int().min(1).max(16),
    salt: z.base64().max(128),
    sealed: z.base64().max(256),
  }),
  z.strictObject({ kind: z.literal('keychain'), sealed: z.base64().max(4_096) }),
])
export type Protection = z.infer<typeof protectionSchema>

const keyFileSchema = z.strictObject({ version: z.literal(1), protection: protectionSchema })

/**
 * How the key is protected; null where none was made yet and no secrets are there either. Throws `secret.key_missing`,
 * `secret.key_damaged`, `secret.unreadable`: a key is never made anew while there are secrets of another.
 */
export async function readKeyFile({ key, secrets }: SecretFiles): Promise<Protection | null> {
  let text: string
  try {
    text = await readFile(key, 'utf8')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw unreadable(error)
    if (await exists(secrets))
      throw new PaddockError('secret.key_missing', 'There are secrets, but the file of their key is gone.')
    return null
  }
  const parsed = keyFileSchema.safeParse(parse(text))
  if (parsed.success) return parsed.data.protection
  throw keyDamaged()
}

/** Throws `secret.unwritable`. */
export async function writeKeyFile({ key }: SecretFiles, protection: Protection): Promise<void> {
  try {
    await mkdir(path.dirname(key), { recursive: true, mode: 0o700 })
    await writeFileAtomically(key, `${JSON.stringify({ version: 1, protection }, null, 2)}\n`)
  } catch (error) {
    const code = errnoOf(error) ?? 'unknown'
    throw new PaddockError('secret.unwritable', `The key of the secrets cannot be written (${code}).`)
  }
}

export function keyDamaged(): PaddockError {
  return new PaddockError('secret.key_damaged', 'The file with the key of the secrets cannot be used.')
}

export function otherProtection(): PaddockError {
  return new PaddockError('secret.other_protection', 'The key of the secrets is protected in another way.')
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw unreadable(error)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(error: unknown): PaddockError {
  const code = errnoOf(error) ?? 'unknown'
  return new PaddockError('secret.unreadable', `The key of the secrets cannot be read (${code}).`)
}
