/** Reads a compiled artifact on the guest thread: the glue as a module, the core modules compiled. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { artifactManifestSchema, type ArtifactManifest } from '../../shared/compiler/protocol.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { ComponentGlue } from '../binding/glue.ts'

export interface LoadedArtifact {
  readonly manifest: ArtifactManifest
  readonly glue: ComponentGlue
  /** The compiled core module that the glue asks for by this name. */
  getCoreModule(name: string): WebAssembly.Module
}

/** Loads the artifact at `directory`, verified by the engine. Throws `sandbox.instantiate_failed`. */
export async function loadArtifact(directory: string): Promise<LoadedArtifact> {
  try {
    const manifest = await readManifest(directory)
    const gluePath = join(directory, manifest.glue)
    refuseAuthority(await readFile(gluePath, 'utf8'))
    const modules = new Map<string, WebAssembly.Module>()
    for (const name of manifest.cores)
      modules.set(name, await WebAssembly.compile(await readFile(join(directory, name))))
    const namespace: unknown = await import(pathToFileURL(gluePath).href)
    return {
      manifest,
      glue: asGlue(namespace),
      getCoreModule(name) {
        const module = modules.get(name)
        if (module === undefined) throw failed('its wiring asks for a core module that it does not have')
        return module
      },
    }
  } catch (error) {
    if (error instanceof PaddockError) throw error
    const reason =
      error instanceof WebAssembly.CompileError ? 'a core module is invalid' : 'a file of it cannot be read'
    throw failed(reason, error)
  }
}

async function readManifest(directory: string): Promise<ArtifactManifest> {
  const outer: unknown = JSON.parse(await readFile(join(directory, 'artifact.json'), 'utf8'))
  const inner: unknown =
    typeof outer === 'object' && outer !== null && 'manifest' in outer ? outer.manifest : undefined
  const parsed = artifactManifestSchema.safeParse(inner)
  if (!parsed.success) throw failed('its manifest is malformed')
  return parsed.data
}

/**
 * The glue gets its whole world as arguments. One that reaches for modules by itself is not what our
 * compiler writes, so it is not run.
 */
function refuseAuthority(glue: string): void {
  if (
    /^\s*(?:import\b(?!\.meta)|export\b.*\bfrom\b)/m.test(glue) ||
    /\bimport\s*\(|\brequire\s*\(|\bprocess\s*[.[]/.test(glue)
  ) {
    throw failed('its wiring imports modules by itself')
  }
}

function asGlue(namespace: unknown): ComponentGlue {
  if (typeof namespace === 'object' && namespace !== null && 'instantiate' in namespace) {
    const { instantiate } = namespace
    if (typeof instantiate === 'function') return { instantiate: instantiate as ComponentGlue['instantiate'] }
  }
  throw failed('its wiring has no instantiate function')
}

function failed(reason: string, cause?: unknown): PaddockError {
  return new PaddockError(
    'sandbox.instantiate_failed',
    `The compiled component cannot be loaded: ${reason}.`,
    cause === undefined ? {} : { cause },
  )
}
