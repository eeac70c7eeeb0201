/** What Paddock knows of a module from its manifest, whatever the dialect (DESIGN.md "Bundles and manifests"). */
import type { TomlTable } from 'smol-toml'
import type { ModuleLimits } from '../../../shared/domain/limits.ts'
import type { Subscription } from '../../../shared/domain/module.ts'
import type { ChainId } from '../../../shared/domain/primitives.ts'

/** Where the manifest came from; `none` for a bare component. */
export interface ManifestSource {
  readonly dialect: string
  /** Absolute path of the manifest, or null for a bare component. */
  readonly file: string | null
}

/**
 * How imports that the manifest does not name are treated.
 * - `declared`: the manifest lists its capabilities; others are a violation (spec nexum-host 6.2).
 * - `legacy`: a nexum manifest without `[capabilities]`: every import is linked, yet nothing outward is allowed (6.5).
 * - `none`: a bare component: its own store, logging, clock and random; every other capability answers `denied`.
 */
export type CapabilityPolicy = 'declared' | 'legacy' | 'none'

export interface ManifestCapabilities {
  readonly policy: CapabilityPolicy
  readonly required: readonly string[]
  readonly optional: readonly string[]
  readonly denied: readonly string[]
  /** Host patterns for HTTP (spec nexum-host 8.8). */
  readonly httpAllow: readonly string[]
  /** Identity methods, or null for all. */
  readonly identityMethods: readonly string[] | null
  /** Topics for messaging, exact or with a trailing `*`, or null for any. */
  readonly messagingTopics: readonly string[] | null
}

export interface ManifestComponent {
  /** Path of the component inside the bundle, with forward slashes. */
  readonly file: string
  /** SHA-256 the manifest pins, lower-case hexadecimal, or null when unpinned (spec nexum-host 4.3). */
  readonly sha256: string | null
  /** The content reference as written (`bzz:…`, `oci:…`), or null. */
  readonly reference: string | null
}

/** The validated model that the rest of the engine works on. */
export interface ModuleManifest {
  readonly source: ManifestSource
  readonly name: string
  readonly version: string
  readonly description: string
  readonly authors: readonly string[]
  readonly component: ManifestComponent
  readonly capabilities: ManifestCapabilities
  /** What the module asks for; narrows only (spec nexum-host 3). */
  readonly limits: Partial<ModuleLimits>
  readonly chains: { readonly required: readonly ChainId[]; readonly optional: readonly ChainId[] }
  /** JSON-RPC methods beyond the reads, honoured only if the operator lists them too. */
  readonly extraChainMethods: readonly string[]
  /** Null where the manifest does not say. */
  readonly restart: { readonly maxConsecutiveFailures: number | null }
  /** When writes are kept: per event or per call; null for the engine's default. */
  readonly durability: 'event' | 'call' | null
  readonly subscriptions: readonly Subscription[]
  /** What `init` receives, in ascending key order (spec nexum-host 3.3). */
  readonly config: readonly (readonly [string, string])[]
  /** The `[contract]` table: what only the module's contract understands. */
  readonly contractTable: TomlTable
  /** What the operator should know although the module loads. */
  readonly warnings: readonly string[]
}
