import type { ManifestDialect } from './dialect.ts'
import { nexumDialect } from './nexum-dialect.ts'
import { paddockDialect } from './paddock-dialect.ts'
import { toolDialect } from './tool-dialect/dialect.ts'

/** Every manifest dialect; earlier ones win when a bundle holds several. */
export const manifestDialects: readonly ManifestDialect[] = [paddockDialect, nexumDialect, toolDialect]
