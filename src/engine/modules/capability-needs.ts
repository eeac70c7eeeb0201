/** Compares what a component imports with what its manifest declares (spec nexum-host 6). */
import type { CapabilityStanding } from '../../shared/domain/module.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { ManifestCapabilities } from './manifest/model.ts'
import type { MatchedContract } from './match-contract.ts'

/** One capability that a module declares or imports, before anything is granted. */
export interface CapabilityNeed {
  readonly name: string
  readonly asked: CapabilityStanding['asked']
  /** Full names of the imports that need it; empty when it is declared only. */
  readonly imports: readonly string[]
  readonly provided: boolean
  /** Granted without being asked for. */
  readonly harmless: boolean
  /** May be granted at all: declared, legacy, or given to every component. */
  readonly grantable: boolean
}

export interface LinkOptions {
  readonly provided: ReadonlySet<string>
  readonly undeclaredImports: 'refuse' | 'stub'
}

/**
 * The capabilities a component imports or its manifest names, in the order its contract lists them.
 * Throws `component.capability_violation` and `component.capability_unavailable` (spec nexum-host 6.2).
 */
export function capabilityNeeds(
  manifest: ManifestCapabilities,
  matched: MatchedContract,
  options: LinkOptions,
): CapabilityNeed[] {
  const { policy, required, optional, denied } = manifest
  const needs: CapabilityNeed[] = []
  for (const kind of matched.contract.capabilities) {
    const imports = matched.importsByCapability.get(kind.name) ?? []
    const provided = options.provided.has(kind.name)
    const declared = required.includes(kind.name)
      ? 'required'
      : optional.includes(kind.name)
        ? 'optional'
        : denied.includes(kind.name)
          ? 'denied'
          : null
    if (declared === null && imports.length === 0) continue
    const asked = declared ?? (policy === 'declared' ? 'undeclared' : 'legacy')
    if (asked === 'undeclared' && options.undeclaredImports === 'refuse') throw violation(kind.name, imports)
    if (asked === 'required' && imports.length > 0 && !provided) throw unavailable(kind.name, imports)
    const grantable =
      asked === 'required' ||
      asked === 'optional' ||
      (asked === 'legacy' && (policy === 'legacy' || kind.withoutManifest))
    needs.push({ name: kind.name, asked, imports, provided, harmless: kind.harmless, grantable })
  }
  return needs
}

function violation(capability: string, imports: readonly string[]): PaddockError {
  return new PaddockError(
    'component.capability_violation',
    `The component imports ${imports.join(', ')}, but its manifest does not declare the capability "${capability}".`,
    { details: { capability, imports } },
  )
}

function unavailable(capability: string, imports: readonly string[]): PaddockError {
  return new PaddockError(
    'component.capability_unavailable',
    `The module requires the capability "${capability}", which is not provided.`,
    { details: { capability, imports } },
  )
}
