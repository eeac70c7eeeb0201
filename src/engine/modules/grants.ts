/** What was granted to a module, what that links, and when the operator is asked again (spec nexum-host 6.2, 6.3, 6.6). */
import type { CapabilityStanding } from '../../shared/domain/module.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import type { Linkage } from '../../shared/sandbox/protocol.ts'
import type { Assessment } from './assess.ts'
import type { CapabilityNeed } from './capability-needs.ts'
import { capabilityScope, grownScopes, isCapabilityScope } from './scopes.ts'

/** Whether the operator is asked, and for what beyond the consent there is. */
export interface ConsentVerdict {
  readonly needed: boolean
  /** Scopes such as `host:api.example.com` that are new; all of them when there is no consent yet. */
  readonly grown: readonly string[]
}

/**
 * Consent is needed for a module that is not installed, and when capabilities, hosts, topics, chains or
 * accounts grew. Another hash alone asks nothing: the new file has no more rights than the old one.
 */
export function needsConsent(
  installed: Pick<InstalledModule, 'granted' | 'reviewed'> | null,
  assessment: Assessment,
): ConsentVerdict {
  if (installed === null) return { needed: true, grown: assessment.scopes }
  const reviewed = [...(installed.reviewed ?? []), ...installed.granted.map(capabilityScope)]
  const harmless = assessment.capabilities
    .filter((need) => need.harmless)
    .map((need) => capabilityScope(need.name))
  // A record of before scopes were kept tells capabilities only.
  const asked =
    installed.reviewed === undefined ? assessment.scopes.filter(isCapabilityScope) : assessment.scopes
  const grown = grownScopes([...reviewed, ...harmless], asked)
  return { needed: grown.length > 0, grown }
}

/** How every capability that the module imports is linked, given what the operator granted. */
export function linkCapabilities(
  assessment: Assessment,
  granted: readonly string[],
): Record<string, Linkage> {
  return Object.fromEntries(assessment.capabilities.map((need) => [need.name, linkageOf(need, granted)]))
}

function linkageOf(need: CapabilityNeed, granted: readonly string[]): Linkage {
  if (!isGranted(need, granted)) return 'denied'
  return need.provided ? 'provided' : 'unsupported'
}

function isGranted(need: CapabilityNeed, granted: readonly string[]): boolean {
  return need.grantable && (need.harmless || granted.includes(need.name))
}

/** How each capability stands for the module, with no calls counted yet. */
export function capabilityStandings(
  assessment: Assessment,
  granted: readonly string[],
): CapabilityStanding[] {
  return assessment.capabilities.map((need) => ({
    name: need.name,
    asked: need.asked,
    imported: need.imports.length > 0,
    verdict: !isGranted(need, granted) ? 'refused' : need.provided ? 'granted' : 'unsupported',
    calls: 0,
    denied: 0,
  }))
}
