import type { AuditEntry } from '../../../shared/domain/audit.ts'
import type { IdentityView } from '../../../shared/domain/identity.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { shortAddress } from '../../format/wei.ts'
import { poll } from '../poll.ts'
import type { ToastState } from '../toasts.svelte.ts'

const refreshMs = 2_000
/** Signatures looked through for the last one of each account. */
const signaturesRead = 500

/** The keystore and other signers. Secrets pass through in one call and are kept nowhere. */
export class AccountsDesk {
  view = $state.raw<IdentityView | null>(null)
  error = $state.raw<ErrorReport | null>(null)
  /** The last signature of each account, newest 500 looked at. */
  lastSignatures = $state.raw<ReadonlyMap<string, AuditEntry>>(new Map())
  /** The account or deed under way. */
  busy = $state<string | null>(null)

  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  /** Reads now and every two seconds until the returned function is called. */
  start(): () => void {
    return poll(() => this.read(), refreshMs)
  }

  async read(): Promise<void> {
    try {
      const [view, signatures] = await Promise.all([
        this.#client.identity.list(),
        this.#client.audit.query({ filter: { kinds: ['signature'] }, before: null, limit: signaturesRead }),
      ])
      this.view = view
      const last = new Map<string, AuditEntry>()
      for (const entry of signatures.entries) {
        if (entry.account !== null && !last.has(entry.account)) last.set(entry.account, entry)
      }
      this.lastSignatures = last
      this.error = null
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  /** Null when it was done, else why not; the form that asked shows it. */
  create(passphrase: string): Promise<ErrorReport | null> {
    return this.#try('create', async () => {
      const { address } = await this.#client.identity.create({ passphrase })
      this.#toasts.done(`${shortAddress(address)} created; it stays locked until you unlock it`)
    })
  }

  import(secret: string, passphrase: string): Promise<ErrorReport | null> {
    return this.#try('import', async () => {
      const { address } = await this.#client.identity.import({ secret, passphrase })
      this.#toasts.done(`${shortAddress(address)} imported; it stays locked until you unlock it`)
    })
  }

  unlock(address: string, passphrase: string): Promise<ErrorReport | null> {
    return this.#try(address, async () => {
      await this.#client.identity.unlock({ address, passphrase })
      this.#toasts.done(`${shortAddress(address)} unlocked until you lock it or Paddock ends`)
    })
  }

  /** Null locks all. */
  async lock(address: string | null): Promise<void> {
    const error = await this.#try(address ?? 'lock', async () => {
      await this.#client.identity.lock({ address })
      this.#toasts.done(address === null ? 'All accounts locked' : `${shortAddress(address)} locked`)
    })
    if (error !== null) this.#toasts.failed('It is not locked', error)
  }

  async remove(address: string): Promise<void> {
    const error = await this.#try(address, async () => {
      await this.#client.identity.remove({ address })
      this.#toasts.done(`${shortAddress(address)} removed; its file is kept in the folder “removed”`)
    })
    if (error !== null) this.#toasts.failed(`${shortAddress(address)} could not be removed`, error)
  }

  async #try(subject: string, work: () => Promise<void>): Promise<ErrorReport | null> {
    this.busy = subject
    try {
      await work()
      return null
    } catch (thrown) {
      return toErrorReport(thrown)
    } finally {
      this.busy = null
      await this.read()
    }
  }
}

export interface Strength {
  readonly word: string
  /** 0 to 4. */
  readonly level: number
}

/** How hard a passphrase is to guess, in words: length above all, then how many different characters. */
export function strengthOf(passphrase: string): Strength {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/].filter((kind) => kind.test(passphrase)).length
  const different = new Set(passphrase).size
  if (passphrase === '') return { word: '', level: 0 }
  if (passphrase.length < 8) return { word: 'too short: 8 characters at least', level: 0 }
  if (different < 5) return { word: 'weak: the same characters again and again', level: 1 }
  const bits = different * 0.5 + passphrase.length * (1 + 0.45 * kinds)
  if (bits < 24) return { word: 'weak: guessed in hours', level: 1 }
  if (bits < 36) return { word: 'fair: a few more words make it good', level: 2 }
  return bits < 56 ? { word: 'good', level: 3 } : { word: 'strong', level: 4 }
}
