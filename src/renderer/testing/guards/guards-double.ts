/** Capabilities, accounts, signatures and the audit trail in memory: they act on each other as in the engine. */
import { fitsAudit, type AuditEntry, type AuditFilter } from '../../../shared/domain/audit.ts'
import type { Grant, ModuleCapabilities } from '../../../shared/domain/capability-grants.ts'
import type { AccountView, Approval } from '../../../shared/domain/identity.ts'
import type { ModuleView } from '../../../shared/domain/module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { capabilitiesOf, toggledParts } from './grant-parts.ts'

type GuardHandlers = Pick<PaddockHandlers, 'capabilities' | 'identity' | 'audit'>
type NewEntry = Partial<AuditEntry> & Pick<AuditEntry, 'kind' | 'text'>

export class GuardsDouble {
  readonly handlers: GuardHandlers
  readonly capabilities = new Map<string, ModuleCapabilities>()
  accounts: AccountView[] = []
  warnings: string[] = []
  /** Oldest first. */
  readonly entries: AuditEntry[] = []
  /** Where the save dialog answers that an export goes; null cancels. */
  exportPath: string | null = '/home/ops/audit.ndjson'
  readonly #passphrases = new Map<string, string>()
  readonly #modules: () => readonly ModuleView[]
  #approvals: Approval[] = []
  readonly #approvalWatches = new Set<(approvals: Approval[]) => void>()
  readonly #auditWatches = new Set<{ filter: AuditFilter; push: (entry: AuditEntry) => void }>()

  constructor(modules: () => readonly ModuleView[]) {
    this.#modules = modules
    this.handlers = { capabilities: this.#capabilities(), identity: this.#identity(), audit: this.#audit() }
  }

  /** Adds an entry to the trail, as the engine does. */
  record(entry: NewEntry): void {
    const full: AuditEntry = {
      id: this.entries.length,
      time: Date.now(),
      module: null,
      capability: null,
      account: null,
      method: null,
      digest: null,
      verdict: 'done',
      count: 1,
      ...entry,
    }
    this.entries.push(full)
    for (const watch of this.#auditWatches) if (fitsAudit(full, watch.filter)) watch.push(full)
  }

  /** A module asks for a signature. */
  ask(approval: Approval): void {
    this.#setApprovals([...this.#approvals, approval])
  }

  /** What waits goes away unanswered, as after two minutes. */
  expire(id: string): void {
    this.#setApprovals(this.#approvals.filter((each) => each.id !== id))
  }

  /** An account whose passphrase is known. */
  addAccount(account: AccountView, passphrase: string): void {
    this.accounts.push(account)
    this.#passphrases.set(account.address, passphrase)
  }

  view(name: string): ModuleCapabilities {
    const known = this.capabilities.get(name)
    if (known !== undefined) return known
    const module = this.#modules().find((each) => each.name === name)
    if (module === undefined) throw new PaddockError('module.unknown', `No module "${name}" is loaded.`)
    return capabilitiesOf(module)
  }

  #change(name: string, grant: Grant, granted: boolean): void {
    this.capabilities.set(name, toggledParts(this.view(name), grant, granted))
    this.record({
      kind: granted ? 'granted' : 'revoked',
      module: name,
      capability: grant.kind === 'capability' ? grant.name : null,
      text: `You ${granted ? 'granted' : 'took back'} ${grant.kind}`,
    })
  }

  #setApprovals(approvals: Approval[]): void {
    this.#approvals = approvals
    for (const watch of this.#approvalWatches) watch(approvals)
  }

  #account(address: string): AccountView {
    const account = this.accounts.find((each) => each.address === address)
    if (account === undefined) throw new PaddockError('identity.unknown_account', `No account ${address}.`)
    return account
  }

  #replace(address: string, change: Partial<AccountView>): void {
    this.accounts = this.accounts.map((each) => (each.address === address ? { ...each, ...change } : each))
  }

  #capabilities(): GuardHandlers['capabilities'] {
    return {
      view: ({ name }) => this.view(name),
      grant: ({ name, grant }) => this.#change(name, grant, true),
      revoke: ({ name, grant }) => this.#change(name, grant, false),
      setApproval: ({ name, approval }) => {
        this.capabilities.set(name, { ...this.view(name), approval })
      },
    }
  }

  #identity(): GuardHandlers['identity'] {
    const add = (passphrase: string): { address: string } => {
      const address = `0x${String(this.accounts.length + 1).padStart(40, 'c')}`
      this.addAccount(
        { address, source: 'keystore', locked: true, createdAt: Date.now(), grants: [] },
        passphrase,
      )
      this.record({ kind: 'keystore', account: address, method: 'create', text: 'You created an account' })
      return { address }
    }
    return {
      list: () => ({
        accounts: this.accounts,
        approvals: this.#approvals,
        keystore: '/home/ops/.local/share/paddock/keystore',
        remote: this.accounts.some(({ source }) => source === 'remote'),
        warnings: this.warnings,
      }),
      create: ({ passphrase }) => add(passphrase),
      import: ({ secret, passphrase }) => {
        if (!/^(0x)?[0-9a-f]{64}$|^\{/i.test(secret)) {
          throw new PaddockError('identity.bad_key', 'This is neither a private key nor a key file.')
        }
        return add(passphrase)
      },
      unlock: ({ address, passphrase }) => {
        if (this.#passphrases.get(this.#account(address).address) !== passphrase) {
          throw new PaddockError('identity.wrong_passphrase', 'The passphrase does not open this account.')
        }
        this.#replace(address, { locked: false })
      },
      lock: ({ address }) => {
        for (const each of this.accounts) {
          if (address === null || each.address === address) this.#replace(each.address, { locked: true })
        }
      },
      remove: ({ address }) => {
        this.accounts = this.accounts.filter((each) => each.address !== address)
      },
      approvals: () => this.#approvals,
      watchApprovals: (_input, push) => {
        const watch = (approvals: Approval[]): void => push([approvals], 0)
        this.#approvalWatches.add(watch)
        watch(this.#approvals)
        return () => void this.#approvalWatches.delete(watch)
      },
      answer: ({ id, approve }) => {
        const approval = this.#approvals.find((each) => each.id === id)
        if (approval === undefined) {
          throw new PaddockError('identity.approval_gone', 'This signature waits for no answer any more.')
        }
        this.record({
          kind: 'approval',
          module: approval.module,
          account: approval.account,
          method: approval.method,
          digest: approval.digest,
          verdict: approve ? 'approved' : 'refused',
          text: approve ? 'You approved a signature' : 'You refused a signature',
        })
        this.expire(id)
      },
    }
  }

  #audit(): GuardHandlers['audit'] {
    const fitting = (filter: AuditFilter): AuditEntry[] =>
      this.entries.filter((entry) => fitsAudit(entry, filter)).reverse()
    return {
      query: ({ filter, before, limit }) => {
        const all = fitting(filter).filter((entry) => before === null || entry.id < before)
        return { entries: all.slice(0, limit), more: all.length > limit }
      },
      watch: (filter, push) => {
        const watch = { filter, push: (entry: AuditEntry) => push([entry], 0) }
        this.#auditWatches.add(watch)
        return () => void this.#auditWatches.delete(watch)
      },
      export: ({ filter }) =>
        this.exportPath === null ? null : { path: this.exportPath, entries: fitting(filter).length },
    }
  }
}
