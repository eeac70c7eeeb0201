/** What a manifest dialect is. A further dialect is one file and one entry in `dialects.ts`. */
import type { ManifestDocument } from './document.ts'
import type { ModuleManifest } from './model.ts'

export interface DialectContext {
  /** Capability names that the contracts of this engine know. */
  readonly knownCapabilities: readonly string[]
}

export interface ManifestDialect {
  readonly id: string
  /** Names of files in this dialect, the preferred first. */
  readonly fileNames: readonly string[]
  /** Reads a document into the one model. Throws `manifest.*`. */
  read(document: ManifestDocument, context: DialectContext): ModuleManifest
}
