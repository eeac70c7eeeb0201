import type { Grant, ModuleCapabilities } from '../../../../shared/domain/capability-grants.ts'
import type { AccountView } from '../../../../shared/domain/identity.ts'

/** One thing within a capability that is granted or refused by itself. */
export interface Part {
  readonly grant: Grant
  /** As the operator reads it. */
  readonly label: string
  readonly note: string
  readonly granted: boolean
}

const sources: Readonly<Record<AccountView['source'], string>> = {
  keystore: 'key file',
  'test-key': 'test key',
  remote: 'remote signer',
}

function accountParts(view: ModuleCapabilities, accounts: readonly AccountView[]): Part[] {
  const known = accounts.map(({ address, source, locked }) => ({
    grant: { kind: 'account', address } as const,
    label: address,
    note: `${sources[source]}${locked ? ', locked' : ''}`,
    granted: view.accounts.includes(address),
  }))
  const gone = view.accounts.filter((address) => !accounts.some((account) => account.address === address))
  return [
    ...known,
    ...gone.map((address) => ({
      grant: { kind: 'account', address } as const,
      label: address,
      note: 'granted; its key is not here',
      granted: true,
    })),
  ]
}

/** The parts of a capability, in the order of the manifest. */
export function partsOf(
  view: ModuleCapabilities,
  capability: string,
  accounts: readonly AccountView[],
): readonly Part[] {
  switch (capability) {
    case 'http':
      return [
        ...view.hosts.map(({ name, granted }) => ({
          grant: { kind: 'host', pattern: name } as const,
          label: name,
          note: name.startsWith('*.') ? 'any host below it' : 'host',
          granted,
        })),
        ...view.destinations.map((range) => ({
          grant: { kind: 'destination', range } as const,
          label: range,
          note: 'private address, permitted by you',
          granted: true,
        })),
      ]
    case 'messaging':
      return (view.topics ?? []).map(({ name, granted }) => ({
        grant: { kind: 'topic', pattern: name } as const,
        label: name,
        note: name.includes('*') ? 'every topic that fits' : 'topic',
        granted,
      }))
    case 'chain':
      return view.methods.map(({ name, granted }) => ({
        grant: { kind: 'method', method: name } as const,
        label: name,
        note: 'method beyond the reads',
        granted,
      }))
    case 'identity':
      return accountParts(view, accounts)
    default:
      return []
  }
}
