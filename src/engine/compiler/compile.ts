/** The work of the compiler process: inspect a component, and turn it into an artifact. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { PaddockError } from '../../shared/errors.ts'
import type {
  Artifact,
  ArtifactManifest,
  CompileStage,
  CompilerRequest,
  Inspection,
} from '../../shared/compiler/protocol.ts'
import { artifactKey, evictArtifacts, readArtifact, sha256, writeArtifact } from './artifact-cache.ts'
import { meterCores } from './meter-cores.ts'
import { fuelExport } from './metering/meter.ts'
import { maxComponentBytes } from '../../shared/domain/limits.ts'
import { readWorld } from './reader/read-world.ts'
import { toolchain } from './toolchain.ts'
import { transpileComponent } from './transpile.ts'

/** Reads and checks the file at `path`. Throws `bundle.*` and `component.*`. */
export async function inspectComponent(path: string): Promise<Inspection> {
  const bytes = await readComponentFile(path)
  return { sha256: sha256(bytes), sizeBytes: bytes.length, world: readWorld(bytes) }
}

export type CompileRequest = Omit<Extract<CompilerRequest, { kind: 'compile' }>, 'kind' | 'id'>

/**
 * The artifact of the component at `path`, from the cache or made anew.
 *
 * What is hashed is what is compiled: the file is read once (spec nexum-host 4.2). Throws `bundle.*`, `component.*`
 * (`component.digest_mismatch` where the file is not the expected one) and `compiler.*`.
 */
export async function compileComponent(
  request: CompileRequest,
  onStage: (stage: CompileStage) => void,
): Promise<Artifact> {
  const { cacheDir, expectedSha256, limits } = request
  const key = artifactKey(expectedSha256, limits)
  const directory = join(cacheDir, key)
  const cached = await readArtifact(cacheDir, key)
  if (cached !== undefined) return { directory, manifest: cached, fromCache: true }

  onStage('reading')
  const component = await readComponentFile(request.path)
  const actualSha256 = sha256(component)
  if (actualSha256 !== expectedSha256) {
    throw new PaddockError(
      'component.digest_mismatch',
      `The component has the digest ${actualSha256}, not ${expectedSha256}.`,
      { details: { declared: expectedSha256, actual: actualSha256 } },
    )
  }
  readWorld(component)

  onStage('transpiling')
  const transpiled = await transpileComponent(component)

  onStage('metering')
  const metered = meterCores(transpiled, limits)

  onStage('writing')
  const glue = 'component.mjs'
  const files = new Map<string, Uint8Array>([[glue, transpiled.glue], ...metered.cores])
  const manifest: ArtifactManifest = {
    format: 1,
    componentSha256: actualSha256,
    componentBytes: component.length,
    toolchain,
    limits,
    glue,
    cores: [...metered.cores.keys()],
    fuelExport,
    memoryBytes: metered.memoryBytes,
    imports: [...transpiled.imports],
    files: Object.fromEntries(
      [...files].map(([name, bytes]) => [name, { sha256: sha256(bytes), bytes: bytes.length }]),
    ),
  }
  await makeCacheDir(cacheDir)
  const written = await writeArtifact(cacheDir, key, manifest, files)
  await evictArtifacts(cacheDir, request.cacheMaxBytes, key)
  return { directory, manifest: written, fromCache: false }
}

async function makeCacheDir(cacheDir: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true }).catch((cause: unknown) => {
    throw new PaddockError('compiler.cache_unwritable', `The compiler cannot make its cache ${cacheDir}.`, {
      cause,
    })
  })
}

/** Reads a file that must not be larger than a component may be; a file that grows meanwhile included. */
async function readComponentFile(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new PaddockError('bundle.not_found', `The component ${path} cannot be opened.`, { cause })
  })
  try {
    const info = await file.stat()
    if (!info.isFile()) throw new PaddockError('bundle.no_component', `${path} is not a file.`)
    const tooLarge = (): PaddockError =>
      new PaddockError('bundle.too_large', `The component ${path} is larger than ${maxComponentBytes} bytes.`)
    if (info.size > maxComponentBytes) throw tooLarge()
    const buffer = new Uint8Array(info.size + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length === buffer.length) {
      throw new PaddockError('bundle.no_component', `The component ${path} changed while it was read.`)
    }
    return buffer.subarray(0, length)
  } finally {
    await file.close()
  }
}
