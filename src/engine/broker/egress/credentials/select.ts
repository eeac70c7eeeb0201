/** Step 9: which credentials a request takes along, all of them or none (spec tools 4). */
import type { CredentialRule, Injection } from '../../../../shared/contracts/tool.ts'
import type { SecretLease, StagedSecret } from '../../secrets/types.ts'
import { Refusal } from '../failures.ts'
import { isBelow } from '../request/path-prefix.ts'
import type { Target } from '../request/request-url.ts'

/** Values whose rules match host and path. Throws `Refusal` (`credential_unavailable`, `policy_denied`). */
export function stageCredentials(
  lease: SecretLease,
  rules: readonly CredentialRule[],
  { host, url }: Target,
  onMissing: (names: readonly string[]) => void,
): readonly StagedSecret[] {
  const matching = rules.filter(
    (rule) => rule.hosts.some((each) => isHost(each, host)) && isOnPath(rule, url),
  )
  refuseSameHeader(matching)
  const staging = lease.stage(matching)
  if (staging.ok) return staging.staged
  onMissing(staging.missing)
  throw new Refusal(
    'credentials',
    'credential_unavailable',
    `No value is there for: ${staging.missing.join(', ')}.`,
  )
}

/** The name of the header that an injection sets, in lower case, or null where it sets none. */
export function headerOf(injection: Injection): string | null {
  if (injection.type === 'header') return injection.name.toLowerCase()
  return injection.type === 'bearer' || injection.type === 'basic' ? 'authorization' : null
}

function refuseSameHeader(rules: readonly CredentialRule[]): void {
  const names = rules.map(({ inject }) => headerOf(inject)).filter((name) => name !== null)
  if (new Set(names).size === names.length) return
  throw new Refusal('credentials', 'policy_denied', 'Two credentials are for the same header.')
}

/** Literal hosts only. */
function isHost(declared: string, host: string): boolean {
  return declared.toLowerCase().replace(/^\[(.*)\]$/, '$1') === host
}

function isOnPath({ pathPrefixes }: CredentialRule, url: URL): boolean {
  return pathPrefixes.length === 0 || pathPrefixes.some((prefix) => isBelow(url.pathname, prefix))
}
