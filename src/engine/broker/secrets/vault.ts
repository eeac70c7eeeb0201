/** The store of secrets: sealed in one file and in memory alike, opened for one call at a time (spec tools 5). */
import { randomBytes } from 'node:crypto'
import { secretNameSchema, type CredentialRule } from '../../../shared/contracts/tool.ts'
import type { SecretView } from '../../../shared/domain/tool.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { CallLease } from './lease.ts'
import { dataKeyBytes, seal, unseal } from './seal.ts'
import { maxSecrets, readSecretsFile, writeSecretsFile, type SecretRecord } from './secrets-file.ts'
import {
  maxSecretBytes,
  minSecretBytes,
  type SecretLease,
  type SecretVault,
  type VaultOptions,
} from './types.ts'

/** When secrets were last used is written that much later, at the latest at the end. */
const usedWriteMs = 10_000

const known = Buffer.from('paddock')

/**
 * Opens the store, which is made with the first value. A damaged file is kept aside, and the store begins empty. Throws
 * `secret.wrong_key`, `secret.store_newer` and `secret.unreadable`, which leave the file where it is.
 */
export async function openVault(options: VaultOptions): Promise<SecretVault> {
  const isLocked = options.dataKey.length === 0
  if (!isLocked && options.dataKey.length !== dataKeyBytes)
    throw new PaddockError('internal.bug', 'The key of the secrets has another length.')
  const content = await readSecretsFile(options.file, options.now())
  const key = Buffer.from(options.dataKey)
  if (content === null) return new Vault(options, key, randomBytes(16).toString('hex'), [])
  if (!isLocked && unseal(key, content.check, checkContext(content.id)) === null) {
    key.fill(0)
    throw new PaddockError('secret.wrong_key', 'The secrets were sealed with another key.')
  }
  return new Vault(options, key, content.id, content.secrets)
}

class Vault implements SecretVault {
  private readonly options: VaultOptions
  private readonly key: Buffer
  private readonly id: string
  private records: ReadonlyMap<string, SecretRecord>
  private readonly leases = new Set<SecretLease>()
  /** One write after the other. */
  private writing: Promise<unknown> = Promise.resolve()
  private usedTimer: NodeJS.Timeout | undefined
  private isClosed = false

  constructor(options: VaultOptions, key: Buffer, id: string, records: readonly SecretRecord[]) {
    this.options = options
    this.key = key
    this.id = id
    this.records = new Map(records.map((record) => [record.name, record]))
  }

  list(): Promise<SecretView[]> {
    const views = [...this.records.values()].map(({ name, createdAt, updatedAt, lastUsedAt }) => ({
      name,
      createdAt,
      updatedAt,
      lastUsedAt,
      grants: [],
    }))
    return Promise.resolve(views.sort((a, b) => (a.name < b.name ? -1 : 1)))
  }

  async set(name: string, value: Uint8Array): Promise<void> {
    // What can be refused is refused, and the value sealed, before anything is waited for.
    try {
      refuseBad(name, value)
      this.refuseUnusable()
      const updatedAt = this.options.now()
      const createdAt = this.records.get(name)?.createdAt ?? updatedAt
      const sealed = seal(this.key, value, this.context(name, createdAt, updatedAt))
      const record = { name, createdAt, updatedAt, lastUsedAt: null, value: sealed }
      await this.change((records) => {
        if (!records.has(name) && records.size >= maxSecrets)
          throw new PaddockError('secret.bad_value', `There are ${maxSecrets} secrets already.`)
        records.set(name, record)
      })
    } finally {
      value.fill(0)
    }
  }

  async remove(name: string): Promise<void> {
    this.refuseUnusable()
    await this.change((records) => {
      if (!records.delete(name)) throw new PaddockError('secret.unknown', 'There is no secret of this name.')
    })
  }

  has(name: string): boolean {
    const value = this.fetch(name)
    value?.fill(0)
    return value !== null
  }

  lease(rules: readonly CredentialRule[]): Promise<SecretLease> {
    const lease = new CallLease({
      rules,
      fetch: (name) => this.fetch(name),
      onStaged: (names) => this.noteUse(names),
      onEnd: (ended) => this.leases.delete(ended),
    })
    this.leases.add(lease)
    return Promise.resolve(lease)
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    for (const lease of [...this.leases]) lease.end()
    // Written once more where a use is not written yet; a failure loses only that.
    if (this.usedTimer !== undefined) await this.change(() => undefined).catch(() => undefined)
    await this.writing
    this.isClosed = true
    this.key.fill(0)
  }

  private get isLocked(): boolean {
    return this.key.length === 0
  }

  /** Null for what is not there, too short, or cannot be opened: the caller is told no more than that. */
  private fetch(name: string): Buffer | null {
    const record = this.records.get(name)
    if (record === undefined || this.isClosed || this.isLocked) return null
    const value = unseal(this.key, record.value, this.context(name, record.createdAt, record.updatedAt))
    if (value === null || value.length >= minSecretBytes) return value
    value.fill(0)
    return null
  }

  private noteUse(names: readonly string[]): void {
    const lastUsedAt = this.options.now()
    const records = new Map(this.records)
    for (const name of names) {
      const record = records.get(name)
      if (record !== undefined) records.set(name, { ...record, lastUsedAt })
    }
    this.records = records
    if (names.length === 0 || this.usedTimer !== undefined) return
    this.usedTimer = setTimeout(() => {
      this.change(() => undefined).catch(() => undefined)
    }, usedWriteMs)
    this.usedTimer.unref()
  }

  /** In memory only once it is on the disk. Throws `secret.unwritable`, and what `apply` throws. */
  private change(apply: (records: Map<string, SecretRecord>) => void): Promise<void> {
    const write = async (): Promise<void> => {
      clearTimeout(this.usedTimer)
      this.usedTimer = undefined
      const records = new Map(this.records)
      apply(records)
      const check = seal(this.key, known, checkContext(this.id))
      await writeSecretsFile(this.options.file, { id: this.id, check, secrets: [...records.values()] })
      this.records = withUses(records, this.records)
    }
    const written = this.writing.then(write)
    this.writing = written.catch(() => undefined)
    return written
  }

  private context(name: string, createdAt: number, updatedAt: number): readonly string[] {
    return ['secret', this.id, name, String(createdAt), String(updatedAt)]
  }

  private refuseUnusable(): void {
    if (this.isLocked) throw new PaddockError('secret.no_key', 'The secrets cannot be opened or changed.')
    if (this.isClosed) throw new PaddockError('internal.bug', 'The store of secrets is closed.')
  }
}

/** Uses that were noted while the file was written. */
function withUses(
  written: ReadonlyMap<string, SecretRecord>,
  now: ReadonlyMap<string, SecretRecord>,
): Map<string, SecretRecord> {
  return new Map(
    [...written].map(([name, record]) => {
      const current = now.get(name)
      const isSame = current?.value === record.value
      return [name, isSame ? { ...record, lastUsedAt: current.lastUsedAt } : record]
    }),
  )
}

function refuseBad(name: string, value: Uint8Array): void {
  if (!secretNameSchema.safeParse(name).success)
    throw new PaddockError('secret.bad_name', 'This cannot be the name of a secret.')
  const isEmpty = value.every((byte) => byte === 0)
  if (value.length < minSecretBytes || value.length > maxSecretBytes || isEmpty)
    throw new PaddockError('secret.bad_value', 'This cannot be the value of a secret.')
}

function checkContext(id: string): readonly string[] {
  return ['check', id]
}
