/** What the engine and its compiler process say to each other, and what an artifact on disk says of itself. */
import { z } from 'zod'
import { isErrorCode, type ErrorCode } from '../errors.ts'
import { worldShapeSchema } from '../component/world.ts'

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/)

/** Limits that are compiled into an artifact. */
export const compiledLimitsSchema = z.strictObject({
  /** Bytes of all linear memories together. */
  memoryBytes: z.number().int().min(65_536).max(4_294_967_296),
  /** Entries of each table. */
  tableElements: z.number().int().min(0).max(10_000_000),
  /** Fuel for start functions, which run before the host can set the counter. */
  initialFuel: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** How much of each the whole component may have once it is instantiated; left out for no bound. */
  parts: z
    .strictObject({
      coreInstances: z.number().int().positive(),
      tables: z.number().int().nonnegative(),
      memories: z.number().int().nonnegative(),
    })
    .optional(),
})
export type CompiledLimits = z.infer<typeof compiledLimitsSchema>

const fileNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)

/** `artifact.json`: everything about an artifact but its files' contents. */
export const artifactManifestSchema = z.strictObject({
  format: z.literal(1),
  componentSha256: sha256Schema,
  componentBytes: z.number().int().nonnegative(),
  /** The compiler's and jco's versions. */
  toolchain: z.string(),
  limits: compiledLimitsSchema,
  /** The JavaScript module that exports `instantiate(getCoreModule, imports, instantiateCore)`. */
  glue: fileNameSchema,
  /** Core modules by the names that the glue asks for; each exports its fuel counter as `fuelExport`. */
  cores: z.array(fileNameSchema),
  fuelExport: z.string(),
  /** The most bytes that the linear memories can reach together. */
  memoryBytes: z.number().int().nonnegative(),
  /** Interfaces as the glue looks them up in its imports, without versions. */
  imports: z.array(z.string()),
  files: z.record(
    fileNameSchema,
    z.strictObject({ sha256: sha256Schema, bytes: z.number().int().nonnegative() }),
  ),
})
export type ArtifactManifest = z.infer<typeof artifactManifestSchema>

export const compileStages = ['reading', 'transpiling', 'metering', 'writing'] as const
export type CompileStage = (typeof compileStages)[number]

const idSchema = z.number().int().nonnegative()

export const compilerRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('inspect'), id: idSchema, path: z.string().min(1) }),
  z.strictObject({
    kind: z.literal('compile'),
    id: idSchema,
    path: z.string().min(1),
    expectedSha256: sha256Schema,
    cacheDir: z.string().min(1),
    cacheMaxBytes: z.number().int().positive(),
    limits: compiledLimitsSchema,
  }),
])
export type CompilerRequest = z.infer<typeof compilerRequestSchema>

export const inspectionSchema = z.strictObject({
  sha256: sha256Schema,
  sizeBytes: z.number().int().nonnegative(),
  world: worldShapeSchema,
})
export type Inspection = z.infer<typeof inspectionSchema>

export const artifactSchema = z.strictObject({
  /** Absolute. It may be evicted later: ask for the artifact again before each launch. */
  directory: z.string(),
  manifest: artifactManifestSchema,
  fromCache: z.boolean(),
})
export type Artifact = z.infer<typeof artifactSchema>

const errorReportSchema = z.object({
  code: z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value)),
  message: z.string(),
  remedy: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
})

export const compilerResponseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('progress'), id: idSchema, stage: z.enum(compileStages) }),
  z.strictObject({ kind: z.literal('inspected'), id: idSchema, inspection: inspectionSchema }),
  z.strictObject({ kind: z.literal('compiled'), id: idSchema, artifact: artifactSchema }),
  z.strictObject({ kind: z.literal('failed'), id: idSchema, error: errorReportSchema }),
])
export type CompilerResponse = z.infer<typeof compilerResponseSchema>
