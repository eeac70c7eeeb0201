/**
 * What a guest contract is to the engine. A contract is a plug-in: one folder here, one in
 * `src/sandbox/contracts`, and one entry in `registry.ts`.
 */
import type { Ask } from '../../shared/domain/module.ts'
import type { ChainId } from '../../shared/domain/primitives.ts'
import type { ExternShape, WorldShape } from '../../shared/component/world.ts'
import type { CompiledLimits } from '../../shared/compiler/protocol.ts'
import type { PaddockError } from '../../shared/errors.ts'
import type { ModuleManifest } from '../modules/manifest/model.ts'
import type { ContractSession, SessionContext } from './session.ts'

/** The world of a contract that a component was built for. */
export interface ContractMatch {
  /** Name with version, for instance `nexum:host/event-module@0.2.0`. */
  readonly world: string
  /** What the host provides and what it calls, to compare the component with. */
  readonly shape: WorldShape
}

/** A capability as contracts know it. */
export interface CapabilityKind {
  /** Name as in manifests (spec nexum-host 6.1). */
  readonly name: string
  /** Cannot be refused, because it reaches nothing (logging, clock, random). */
  readonly harmless: boolean
  /** Linked for a component that comes without a manifest. */
  readonly withoutManifest: boolean
}

/** What an ask's words depend on. */
export interface AskContext {
  readonly manifest: ModuleManifest
  /** Chains to name: those of subscriptions and of `[chains]`. */
  readonly chains: readonly ChainId[]
  /** The operator's name of a chain, or null where it is not configured. */
  chainName(chainId: ChainId): string | null
  readonly storeBytes: number
}

/** An ask without what every contract decides alike. */
export type AskWords = Pick<Ask, 'title' | 'detail' | 'risky'>

export interface Contract {
  readonly id: string
  /** For people: "Event module". */
  readonly title: string
  readonly capabilities: readonly CapabilityKind[]
  /** Limits compiled into its components that differ from those of all. */
  readonly compiledLimits?: Partial<Pick<CompiledLimits, 'tableElements' | 'parts'>>
  /** `own`: sessions bring processes of their own, on demand; otherwise each module has one sandbox. */
  readonly processes?: 'own'
  /** The world that the component's exports make it, or null when it is not of this contract. By names only. */
  match(world: WorldShape): ContractMatch | null
  /** Whether two versions of a module may be installed at the same time, the second as `name@version`. */
  readonly versionsSideBySide?: boolean
  /** Refuses a component that matched for what this contract alone demands, by codes of its own. */
  check?(world: WorldShape): void
  /** The manifest with what the contract reads from its own table: capabilities, hosts, limits. Throws `manifest.*`. */
  complete?(manifest: ModuleManifest): ModuleManifest
  /** What consent covers beyond what every manifest can ask for, as `kind:value`. */
  scopes?(manifest: ModuleManifest): readonly string[]
  /** Why a component of this contract is not installed as a module by itself; left out where it is. */
  refuseAlone?(): PaddockError
  /** Refuses a manifest that makes no sense for the contract, by codes of `manifest.*`. */
  checkManifest?(manifest: ModuleManifest): void
  /**
   * The capability an import needs, null when it needs none, undefined when no capability of this contract
   * provides it. By names only; versions and shapes are compared elsewhere.
   */
  capabilityOf(extern: ExternShape): string | null | undefined
  /** Says in plain words what granting `capability` allows. */
  describeAsk(capability: string, context: AskContext): AskWords
  /**
   * What the contract does with one loaded module, across its runs. `predecessor` is the session of the version
   * before, of whatever contract, whose sandbox has ended: what waits there goes on here.
   */
  createSession(context: SessionContext, predecessor: ContractSession | undefined): ContractSession
}
