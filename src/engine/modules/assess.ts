/** Judges a module before anything of it runs: contract, capabilities, digest, limits, chains, and what it asks for. */
import { defaultLimits, type ModuleLimits } from '../../shared/domain/limits.ts'
import type { Ask, Subscription } from '../../shared/domain/module.ts'
import type { ChainId } from '../../shared/domain/primitives.ts'
import type { WorldShape } from '../../shared/component/world.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { Contract } from '../contracts/contract.ts'
import { contracts as allContracts } from '../contracts/registry.ts'
import { capabilityNeeds, type CapabilityNeed } from './capability-needs.ts'
import { limitsFor } from './limits.ts'
import type { ModuleManifest } from './manifest/model.ts'
import { matchContract } from './match-contract.ts'
import { scopesOf } from './scopes.ts'

/** The component file as it was hashed and read. */
export interface InspectedComponent {
  readonly sha256: string
  readonly sizeBytes: number
  readonly world: WorldShape
}

/** What the assessment depends on besides the bundle. */
export interface AssessmentContext {
  readonly contracts?: readonly Contract[]
  /** Capabilities this engine can link now; the others answer `unsupported` (spec nexum-host 6.2, 6.4). */
  readonly providedCapabilities: ReadonlySet<string>
  /** Chains the operator configured, with at least one endpoint or not. */
  readonly chains: readonly {
    readonly chainId: ChainId
    readonly name: string
    readonly hasEndpoint: boolean
  }[]
  /** Limits of the engine; `defaultLimits` unless given. */
  readonly engineLimits?: ModuleLimits
  /** Limits the operator set for this module; they win. */
  readonly operatorLimits?: Partial<ModuleLimits>
  /** SHA-256 the operator pinned, or null (4.4). */
  readonly operatorPin?: string | null
  /** Whether an unpinned component is an error (4.3). */
  readonly requirePin?: boolean
  /** What happens to imports the manifest does not declare (6.2). */
  readonly undeclaredImports?: 'refuse' | 'stub'
}

export interface Assessment {
  readonly manifest: ModuleManifest
  readonly contract: { readonly id: string; readonly title: string; readonly world: string }
  readonly componentSha256: string
  readonly componentBytes: number
  readonly pinned: boolean
  /** Full names of all imports. */
  readonly imports: readonly string[]
  readonly capabilities: readonly CapabilityNeed[]
  /** Risky ones first, harmless ones last. */
  readonly asks: readonly Ask[]
  readonly subscriptions: readonly Subscription[]
  readonly limitsAsked: Partial<ModuleLimits>
  readonly limitsGiven: ModuleLimits
  readonly chainsMissing: readonly ChainId[]
  /** Everything consent is about, to compare with later versions (6.6). */
  readonly scopes: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Judges a manifest with its component. Pure. Throws `component.digest_mismatch`, `manifest.bad_digest`
 * (unpinned although a pin is required), `component.invalid_world`, `component.unknown_imports`,
 * `component.unsupported_dialect`, `component.capability_violation` and `component.capability_unavailable`.
 */
export function assess(
  given: ModuleManifest,
  component: InspectedComponent,
  context: AssessmentContext,
): Assessment {
  const pinned = checkPins(given, component, context)
  const matched = matchContract(component.world, context.contracts ?? allContracts)
  const manifest = matched.contract.complete?.(given) ?? given
  matched.contract.checkManifest?.(manifest)
  const capabilities = capabilityNeeds(manifest.capabilities, matched, {
    provided: context.providedCapabilities,
    undeclaredImports: context.undeclaredImports ?? 'refuse',
  })
  const limits = limitsFor(
    manifest.limits,
    context.engineLimits ?? defaultLimits,
    context.operatorLimits ?? {},
  )
  const chains = chainsOf(manifest)
  const withEndpoint = new Set(
    context.chains.filter((chain) => chain.hasEndpoint).map((chain) => chain.chainId),
  )
  const warnings = [...manifest.warnings, ...limits.warnings]
  for (const need of capabilities) {
    if (need.asked === 'undeclared') {
      warnings.push(
        `It imports ${need.imports.join(', ')} without declaring "${need.name}": calls answer denied.`,
      )
    } else if (need.asked === 'optional' && !need.provided) {
      warnings.push(`The optional capability "${need.name}" is not provided: calls answer unsupported.`)
    }
  }
  return {
    manifest,
    contract: { id: matched.contract.id, title: matched.contract.title, world: matched.match.world },
    componentSha256: component.sha256,
    componentBytes: component.sizeBytes,
    pinned,
    imports: component.world.imports.map((extern) => extern.name),
    capabilities,
    asks: asksFor(manifest, matched.contract, capabilities, chains, limits.given.storeBytes, context),
    subscriptions: manifest.subscriptions,
    limitsAsked: manifest.limits,
    limitsGiven: limits.given,
    chainsMissing: chains.needed.filter((chainId) => !withEndpoint.has(chainId)),
    scopes: scopesOf(manifest, capabilities, matched.contract.scopes?.(manifest)),
    warnings,
  }
}

/** Compares the file with the pins of manifest and operator (4.2–4.4). Answers whether any pin holds it. */
function checkPins(
  manifest: ModuleManifest,
  component: InspectedComponent,
  context: AssessmentContext,
): boolean {
  const pins = [
    { pin: 'manifest', declared: manifest.component.sha256 },
    { pin: 'operator', declared: context.operatorPin ?? null },
  ].filter((entry) => entry.declared !== null)
  for (const { pin, declared } of pins) {
    if (declared === component.sha256) continue
    const whose = pin === 'manifest' ? 'the manifest pins' : 'the operator pinned'
    throw new PaddockError(
      'component.digest_mismatch',
      `${manifest.component.file} is sha256:${component.sha256}, but ${whose} sha256:${declared}.`,
      { details: { pin, declared, actual: component.sha256, file: manifest.component.file } },
    )
  }
  if (pins.length === 0 && context.requirePin === true) {
    throw new PaddockError(
      'manifest.bad_digest',
      `${manifest.name} pins no digest, and a pin is required. The digest is sha256:${component.sha256}.`,
      { details: { actual: component.sha256, file: manifest.source.file } },
    )
  }
  return pins.length > 0
}

interface ModuleChains {
  /** Required ones and those of subscriptions. */
  readonly needed: readonly ChainId[]
  readonly all: readonly ChainId[]
}

function chainsOf(manifest: ModuleManifest): ModuleChains {
  const subscribed = manifest.subscriptions.flatMap((entry) => ('chainId' in entry ? [entry.chainId] : []))
  const needed = [...new Set([...manifest.chains.required, ...subscribed])]
  return { needed, all: [...new Set([...needed, ...manifest.chains.optional])] }
}

function asksFor(
  manifest: ModuleManifest,
  contract: Contract,
  needs: readonly CapabilityNeed[],
  chains: ModuleChains,
  storeBytes: number,
  context: AssessmentContext,
): Ask[] {
  const names = new Map(context.chains.map((chain) => [chain.chainId, chain.name]))
  const asks = needs
    .filter((need) => need.grantable)
    .map((need): Ask => {
      const words = contract.describeAsk(need.name, {
        manifest,
        chains: chains.all,
        storeBytes,
        chainName: (chainId) => names.get(chainId) ?? null,
      })
      const detail = need.provided
        ? words.detail
        : `${words.detail} Not provided here: calls answer unsupported.`
      return {
        capability: need.name,
        ...words,
        detail,
        required: need.asked === 'required',
        harmless: need.harmless,
      }
    })
  const rank = (ask: Ask): number => (ask.risky ? 0 : ask.harmless ? 2 : 1)
  return asks.sort((a, b) => rank(a) - rank(b))
}
