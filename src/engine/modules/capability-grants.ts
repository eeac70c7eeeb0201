/** What the operator gives a module and takes from it while it runs (spec nexum-host 6.2, 6.6, 8.8, 8.11). */
import type { Grant, ModuleCapabilities } from '../../shared/domain/capability-grants.ts'
import { extraMethodsOf, moduleGrants, type ModuleGrants } from '../../shared/domain/operator/grants.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { StateHub } from '../state-hub.ts'
import type { Assessment } from './assess.ts'
import { capabilityStandings } from './grants.ts'
import type { InstalledRecords } from './installed-records.ts'
import type { ModuleEntry } from './module-entry.ts'
import type { ModuleRegistry } from './registry.ts'

export interface CapabilityGrantsOptions {
  readonly registry: ModuleRegistry
  readonly records: InstalledRecords
  readonly audit: Pick<AuditTrail, 'record'>
  readonly state: Pick<StateHub, 'note' | 'touch'>
}

export class CapabilityGrants {
  private readonly options: CapabilityGrantsOptions

  constructor(options: CapabilityGrantsOptions) {
    this.options = options
  }

  /** What the module asks for, has, and used. Throws `module.unknown`. */
  view(module: string): ModuleCapabilities {
    const entry = this.options.registry.entry(module)
    const { assessment, record } = entry
    const grants = moduleGrants(record)
    const asked = assessment?.manifest.capabilities
    const topics = asked?.messagingTopics ?? null
    const identityMethods = asked?.identityMethods ?? null
    const partsOf = (names: readonly string[], refused: readonly string[]): ModuleCapabilities['hosts'] =>
      names.map((name) => ({ name, granted: !refused.includes(name) }))
    return {
      module,
      capabilities: assessment === null ? [] : this.standings(entry, assessment),
      hosts: partsOf(asked?.httpAllow ?? [], grants.refusedHosts),
      topics: topics === null ? null : partsOf(topics, grants.refusedTopics),
      methods: (assessment?.manifest.extraChainMethods ?? []).map((name) => ({
        name,
        granted: extraMethodsOf(record)?.includes(name) ?? true,
      })),
      identityMethods: identityMethods === null ? null : [...identityMethods],
      accounts: [...grants.accounts],
      approval: grants.approval,
      destinations: [...grants.permitDestinations],
    }
  }

  /** Takes effect with the module's next call, without a restart. Throws `module.unknown`, `module.not_asked`. */
  grant(module: string, grant: Grant): void {
    this.change(module, grant, true)
  }

  /** As `grant`, the other way. What waits for an approval is looked at again when it is answered. */
  revoke(module: string, grant: Grant): void {
    this.change(module, grant, false)
  }

  /** Who agrees to each signature of the module from now on. Throws `module.unknown`. */
  setApproval(module: string, approval: ModuleGrants['approval']): void {
    const entry = this.options.registry.entry(module)
    const { record } = entry
    if (moduleGrants(record).approval === approval) return
    const text = `Signatures of ${module}: ${approval}`
    this.keep(entry, { ...record, grants: { ...moduleGrants(record), approval } })
    this.tell(module, approval === 'deny' ? 'revoked' : 'granted', 'identity', undefined, text)
  }

  private standings(entry: ModuleEntry, assessment: Assessment): ModuleCapabilities['capabilities'] {
    return capabilityStandings(assessment, entry.record.granted).map((standing, index) => {
      const need = assessment.capabilities[index]
      return {
        ...standing,
        ...entry.callsOf(standing.name),
        grantable: need?.grantable === true,
        revocable: need?.grantable === true && !need.harmless,
      }
    })
  }

  private change(module: string, grant: Grant, isGranted: boolean): void {
    const entry = this.options.registry.entry(module)
    const next = changed(entry, grant, isGranted)
    if (next === null) return
    this.keep(entry, next)
    const { capability, name } = subjectOf(grant)
    const text = `You ${isGranted ? 'granted' : 'took back'} ${name}`
    const account = grant.kind === 'account' ? grant.address : undefined
    this.tell(module, isGranted ? 'granted' : 'revoked', capability, account, text)
  }

  private keep(entry: ModuleEntry, record: InstalledModule): void {
    this.options.registry.refuseWhenClosed()
    entry.record = record
    this.options.records.save(record)
    entry.relink()
  }

  private tell(
    module: string,
    kind: 'granted' | 'revoked',
    capability: string,
    account: string | undefined,
    text: string,
  ): void {
    const { audit, state } = this.options
    audit.record({
      kind,
      module,
      capability,
      verdict: 'done',
      text,
      ...(account === undefined ? {} : { account }),
    })
    state.note(kind === 'granted' ? 'ok' : 'warn', module, kind, `${module}: ${text}`)
  }
}

/** The record after the change, or null where it is so already. Throws `module.not_asked`. */
function changed(entry: ModuleEntry, grant: Grant, isGranted: boolean): InstalledModule | null {
  const { record, assessment } = entry
  const grants = moduleGrants(record)
  const manifest = assessment?.manifest
  const withGrants = (change: Partial<ModuleGrants>): InstalledModule => ({
    ...record,
    grants: { ...grants, ...change },
  })
  switch (grant.kind) {
    case 'capability': {
      const need = assessment?.capabilities.find(({ name }) => name === grant.name)
      if (need?.grantable !== true) throw notAsked(entry.name, `the capability ${grant.name}`)
      if (need.harmless) {
        throw new PaddockError('module.not_asked', `${grant.name} reaches nothing and is always granted.`)
      }
      const granted = toggled(record.granted, grant.name, isGranted)
      return granted === null ? null : { ...record, granted }
    }
    case 'host': {
      if (manifest?.capabilities.httpAllow.includes(grant.pattern) !== true) {
        throw notAsked(entry.name, `the host ${grant.pattern}`)
      }
      const refusedHosts = toggled(grants.refusedHosts, grant.pattern, !isGranted)
      return refusedHosts === null ? null : withGrants({ refusedHosts })
    }
    case 'topic': {
      if (manifest?.capabilities.messagingTopics?.includes(grant.pattern) !== true) {
        throw notAsked(entry.name, `the topic ${grant.pattern}`)
      }
      const refusedTopics = toggled(grants.refusedTopics, grant.pattern, !isGranted)
      return refusedTopics === null ? null : withGrants({ refusedTopics })
    }
    case 'account': {
      const need = assessment?.capabilities.find(({ name }) => name === 'identity')
      if (isGranted && need?.grantable !== true) throw notAsked(entry.name, 'accounts')
      const accounts = toggled(grants.accounts, grant.address, isGranted)
      return accounts === null ? null : withGrants({ accounts })
    }
    case 'method': {
      if (manifest?.extraChainMethods.includes(grant.method) !== true) {
        throw notAsked(entry.name, `the method ${grant.method}`)
      }
      const before = extraMethodsOf(record) ?? manifest.extraChainMethods
      const extraMethods = toggled(before, grant.method, isGranted)
      return extraMethods === null ? null : withGrants({ extraMethods })
    }
    case 'destination': {
      const permitDestinations = toggled(grants.permitDestinations, grant.range, isGranted)
      return permitDestinations === null ? null : withGrants({ permitDestinations })
    }
  }
}

/** The list with or without the entry; null where nothing changes. */
function toggled(list: readonly string[], entry: string, isIn: boolean): string[] | null {
  if (list.includes(entry) === isIn) return null
  return isIn ? [...list, entry] : list.filter((each) => each !== entry)
}

function subjectOf(grant: Grant): { readonly capability: string; readonly name: string } {
  switch (grant.kind) {
    case 'capability':
      return { capability: grant.name, name: grant.name }
    case 'host':
      return { capability: 'http', name: `the host ${grant.pattern}` }
    case 'topic':
      return { capability: 'messaging', name: `the topic ${grant.pattern}` }
    case 'account':
      return { capability: 'identity', name: `the account ${grant.address}` }
    case 'method':
      return { capability: 'chain', name: `the method ${grant.method}` }
    case 'destination':
      return { capability: 'http', name: `the address ${grant.range}` }
  }
}

function notAsked(module: string, what: string): PaddockError {
  return new PaddockError('module.not_asked', `The manifest of ${module} does not ask for ${what}.`)
}
