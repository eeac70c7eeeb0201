/**
 * Encrypted keys in a folder, one file each. A key is in memory only while it is unlocked; there is no way to get one
 * out again: files are for wallets, and the operator has them.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import { PaddockError } from '../../../../shared/errors.ts'
import { errnoOf } from '../../../errno.ts'
import { minPassphrase, usualCost, type ScryptCost } from '../../../scrypt.ts'
import { addressOf, decryptKey, encryptKey, parseSecretFile } from './secret-file.ts'

/** Key files are half a kilobyte; larger ones are something else. */
const maxFileBytes = 64 * 1024
const maxFiles = 1_024

/** A key file as it is seen from outside. */
export interface KeystoreAccount {
  /** 0x and 40 lower-case digits. */
  readonly address: string
  readonly isLocked: boolean
  /** Unix milliseconds. */
  readonly createdAt: number
}

interface KeyFile {
  readonly file: string
  readonly createdAt: number
}

export interface KeystoreOptions {
  readonly directory: string
  readonly now: () => number
  /** What new files are made with; tests take less. */
  readonly cost?: ScryptCost
}

export class Keystore {
  private readonly options: KeystoreOptions
  private files: ReadonlyMap<string, KeyFile> = new Map()
  private readonly unlocked = new Map<string, Uint8Array>()
  /** Keys being derived just now; who locks the account meanwhile wins. */
  private readonly unlocking = new Set<{ readonly address: string; isCalledOff: boolean }>()
  private looks = 0
  private newestLook = 0

  constructor(options: KeystoreOptions) {
    this.options = options
  }

  /** Looks through the folder again; files that are no key files are left out. Throws `identity.keystore_unusable`. */
  async refresh(): Promise<void> {
    const look = ++this.looks
    const found = await this.look()
    // A look that began earlier tells what was before.
    if (look < this.newestLook) return
    this.newestLook = look
    this.files = found
    for (const address of this.unlocked.keys()) if (!found.has(address)) this.lock(address)
  }

  private async look(): Promise<Map<string, KeyFile>> {
    const { directory } = this.options
    const found = new Map<string, KeyFile>()
    for (const name of await namesIn(directory)) {
      const file = path.join(directory, name)
      // A link to nowhere, or a file that goes away just now, says nothing about the others.
      const about = await stat(file).catch(() => null)
      if (about?.isFile() !== true || about.size > maxFileBytes) continue
      const address = await addressIn(file)
      if (address !== null && !found.has(address)) {
        found.set(address, { file, createdAt: Math.max(0, Math.floor(about.birthtimeMs)) })
      }
    }
    return found
  }

  /** In ascending order of address. */
  accounts(): KeystoreAccount[] {
    return [...this.files]
      .map(([address, { createdAt }]) => ({ address, createdAt, isLocked: !this.unlocked.has(address) }))
      .sort((a, b) => (a.address < b.address ? -1 : 1))
  }

  has(address: string): boolean {
    return this.files.has(address)
  }

  /** The key while it is unlocked. Whoever takes it must not keep it. */
  key(address: string): Uint8Array | undefined {
    return this.unlocked.get(address)
  }

  /** Makes a new key and answers its address. Throws `identity.weak_passphrase`, `identity.keystore_unusable`. */
  async create(passphrase: string): Promise<string> {
    refuseWeak(passphrase)
    for (;;) {
      const key = new Uint8Array(randomBytes(32))
      if (!isKey(key)) continue
      return await this.keep(key, passphrase)
    }
  }

  /**
   * Takes a private key (64 hexadecimal digits) or the text of a key file, which the same passphrase must open, and
   * answers the address. Throws `identity.bad_key`, `identity.bad_key_file`, `identity.wrong_passphrase`,
   * `identity.weak_passphrase`, `identity.duplicate_account` and `identity.keystore_unusable`.
   */
  async import(secret: string, passphrase: string): Promise<string> {
    const text = secret.trim()
    if (text.startsWith('{'))
      return await this.keep(await decryptKey(parseSecretFile(text), passphrase), passphrase)
    if (!/^(0x)?[0-9a-fA-F]{64}$/.test(text)) throw badKey()
    const key = new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'))
    if (!isKey(key)) throw badKey()
    refuseWeak(passphrase)
    return await this.keep(key, passphrase)
  }

  /**
   * Until it is locked or the engine ends; without effect when it is locked meanwhile. Throws
   * `identity.unknown_account`, `identity.wrong_passphrase`, `identity.bad_key_file`.
   */
  async unlock(address: string, passphrase: string): Promise<void> {
    const { file } = this.known(address)
    const attempt = { address, isCalledOff: false }
    this.unlocking.add(attempt)
    try {
      const key = await decryptKey(parseSecretFile(await readKeyFile(file)), passphrase)
      const isOther = addressOf(key) !== address
      if (isOther || attempt.isCalledOff) key.fill(0)
      if (isOther)
        throw new PaddockError(
          'identity.bad_key_file',
          `The key file of ${address} is now of another account.`,
        )
      if (attempt.isCalledOff) return
      this.unlocked.get(address)?.fill(0)
      this.unlocked.set(address, key)
    } finally {
      this.unlocking.delete(attempt)
    }
  }

  /** Forgets the key of one account, or of all. */
  lock(address?: string): void {
    for (const attempt of this.unlocking) {
      if (address === undefined || attempt.address === address) attempt.isCalledOff = true
    }
    for (const [each, key] of [...this.unlocked]) {
      if (address !== undefined && each !== address) continue
      key.fill(0)
      this.unlocked.delete(each)
    }
  }

  /**
   * Takes the account away: its file goes to the folder `removed`, because a lost key cannot be made again. Throws
   * `identity.unknown_account` and `identity.keystore_unusable`.
   */
  async remove(address: string): Promise<void> {
    const { file } = this.known(address)
    const target = path.join(this.options.directory, 'removed')
    try {
      await mkdir(target, { recursive: true, mode: 0o700 })
      await rename(file, path.join(target, `${this.options.now()}-${path.basename(file)}`))
    } catch (error) {
      throw unusable(error)
    }
    this.lock(address)
    await this.refresh()
  }

  private known(address: string): KeyFile {
    const file = this.files.get(address)
    if (file === undefined)
      throw new PaddockError('identity.unknown_account', `There is no key file of ${address}.`)
    return file
  }

  private async keep(key: Uint8Array, passphrase: string): Promise<string> {
    const address = addressOf(key)
    if (this.files.has(address)) {
      throw new PaddockError('identity.duplicate_account', `There is a key file of ${address} already.`)
    }
    const secret = await encryptKey(key, passphrase, this.options.cost ?? usualCost)
    key.fill(0)
    const time = new Date(this.options.now()).toISOString().replace(/[:.]/g, '-')
    await this.write(`UTC--${time}--${address.slice(2)}`, JSON.stringify(secret))
    await this.refresh()
    return address
  }

  private async write(name: string, text: string): Promise<void> {
    const { directory } = this.options
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const target = path.join(directory, name)
      const handle = await open(`${target}.part`, 'wx', 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(`${target}.part`, target)
    } catch (error) {
      throw unusable(error)
    }
  }
}

/** A file that comes with its own passphrase keeps it; what is encrypted here is encrypted well. */
function refuseWeak(passphrase: string): void {
  if (passphrase.length >= minPassphrase) return
  throw new PaddockError('identity.weak_passphrase', `A passphrase has at least ${minPassphrase} characters.`)
}

function isKey(key: Uint8Array): boolean {
  try {
    addressOf(key)
    return true
  } catch {
    return false
  }
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw unusable(error)
  }
}

/** The address a key file names, or null for another file. A file without an address is not opened by it. */
async function addressIn(file: string): Promise<string | null> {
  try {
    const { address } = parseSecretFile(await readFile(file, 'utf8'))
    return address === undefined ? null : `0x${address.replace(/^0x/, '').toLowerCase()}`
  } catch {
    return null
  }
}

/** Names of what may be key files; none where there is no folder. Those still being written are left out. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    return names.filter((name) => !name.endsWith('.part')).slice(0, maxFiles)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw unusable(error)
  }
}

function badKey(): PaddockError {
  return new PaddockError('identity.bad_key', 'What was given is neither a private key nor a key file.')
}

function unusable(cause: unknown): PaddockError {
  return new PaddockError(
    'identity.keystore_unusable',
    `The keystore folder cannot be used (${errnoOf(cause) ?? 'failed'}).`,
    { cause },
  )
}
