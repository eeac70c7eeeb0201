import type { Grant, ModuleCapabilities } from '../../../../shared/domain/capability-grants.ts'
import type { CapabilityStanding } from '../../../../shared/domain/module.ts'
import type { MarkKind } from '../../../state/standing.ts'

/** Capabilities by what they let a module do, for people: the deed, and its consequence or its bounds. */
export const capabilityWords: Readonly<Record<string, readonly [string, string]>> = {
  chain: ['Read the chains it names', 'through your endpoints; sends and signs only as granted below'],
  'local-store': ['Keep state on this machine', 'own file, not readable by other modules'],
  'remote-store': ['Keep state on a server', 'what it stores leaves this machine'],
  http: ['Call hosts on its list', 'what the module knows could leave this machine'],
  'cow-api': ['Post orders to the CoW order book', 'the order book of each chain only'],
  messaging: ['Talk to other modules', 'on the topics it names'],
  identity: ['Sign with an account', 'could move funds'],
  logging: ['Write log lines', 'shown under Logs'],
  clock: ['Read the time', 'harmless; never refused'],
  random: ['Draw random bytes', 'harmless; never refused'],
}

export const askedWords: Readonly<Record<CapabilityStanding['asked'], string>> = {
  required: 'required',
  optional: 'optional',
  denied: 'denied by its manifest',
  undeclared: 'not declared',
  legacy: 'no manifest section',
}

export interface Verdict {
  readonly mark: MarkKind
  readonly tone: string
  readonly word: string
}

const verdicts: Readonly<Record<CapabilityStanding['verdict'], Verdict>> = {
  granted: { mark: 'running', tone: '', word: 'granted' },
  refused: { mark: 'dead', tone: 'tone-crit', word: 'refused' },
  unsupported: { mark: 'unknown', tone: 'tone-idle', word: 'unsupported' },
}
/** Signing is more than granted or not: who agrees to each signature says what it means. */
const signing: Readonly<Record<ModuleCapabilities['approval'], Verdict>> = {
  ask: { mark: 'consent', tone: 'tone-warn', word: 'ask me' },
  auto: { mark: 'degraded', tone: 'tone-warn', word: 'signs alone' },
  deny: { mark: 'dead', tone: 'tone-crit', word: 'never signs' },
}

/** How a capability stands, as the operator reads it. */
export function verdictOf(
  { name, verdict }: Pick<CapabilityStanding, 'name' | 'verdict'>,
  approval: ModuleCapabilities['approval'],
): Verdict {
  return name === 'identity' && verdict === 'granted' ? signing[approval] : verdicts[verdict]
}

/** What to say before something risky is granted. */
export interface Risk {
  readonly title: string
  readonly consequence: string
}

const privateHost =
  /^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[|.*\.(local|internal|lan)$)/i
const sending = /^eth_send|sign|^personal_|^wallet_|^admin_|^debug_|^miner_/i

/** The risk of granting one thing, or null where it is usual (console reference, Consent). */
export function riskOf(module: string, grant: Grant): Risk | null {
  switch (grant.kind) {
    case 'capability':
      if (grant.name === 'identity') {
        return {
          title: `Let ${module} sign?`,
          consequence:
            'Could move funds. It signs with the accounts you grant it, and you are asked each time unless you change that.',
        }
      }
      return grant.name === 'remote-store'
        ? {
            title: `Let ${module} keep state on a server?`,
            consequence: 'What it stores leaves this machine and may be readable by everyone, for good.',
          }
        : null
    case 'account':
      return {
        title: `Let ${module} use this account?`,
        consequence: 'Could move funds. What the account holds is within reach of what the module signs.',
      }
    case 'host':
      if (privateHost.test(grant.pattern)) {
        return {
          title: `Let ${module} call ${grant.pattern}?`,
          consequence:
            'This is an address of your own machine or network. Services there often trust whoever reaches them.',
        }
      }
      return grant.pattern.startsWith('*')
        ? {
            title: `Let ${module} call any host under ${grant.pattern}?`,
            consequence: 'Anyone may be able to put a server there. What it knows could leave this machine.',
          }
        : null
    case 'topic':
      return grant.pattern.includes('*')
        ? {
            title: `Let ${module} send on ${grant.pattern}?`,
            consequence: 'It could send messages on every topic that fits, to every module that listens.',
          }
        : null
    case 'method':
      return sending.test(grant.method)
        ? {
            title: `Let ${module} call ${grant.method}?`,
            consequence: 'Could move funds: this method sends or signs, and does not only read.',
          }
        : null
    case 'destination':
      return {
        title: `Let ${module} reach ${grant.range}?`,
        consequence:
          'Private addresses are refused otherwise. Services on this machine and network often trust whoever reaches them.',
      }
  }
}

/** The risk of no longer being asked. */
export function riskOfSigningAlone(module: string): Risk {
  return {
    title: `Let ${module} sign without asking you?`,
    consequence:
      'Could move funds. Every signature it asks for is given at once; you read of it in the audit trail.',
  }
}
